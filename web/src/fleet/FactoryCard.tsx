import { Elapsed } from '../parts/ClockText.js';
import { Link } from '../parts/Link.js';
import { jobPath } from '../router.js';
import { busyStations, groupCapabilities, type FactorySummary, type Work } from '../view/fleet.js';
import { STAGE_LABEL } from '../view/stages.js';
import { Stations } from './Stations.js';

const STATUS_LABEL = { online: 'Online', draining: 'Draining', offline: 'Offline' } as const;

/** One factory: its stations, what runs there, its pools and what it advertises. */
export function FactoryCard({ factory, work }: { factory: FactorySummary; work: Work }) {
  const here = work.jobs.filter((job) => job.holder === factory.id);
  return (
    <article className="card factory" data-status={factory.status}>
      <header>
        <span className="dot" aria-hidden="true" />
        <h2>{factory.id}</h2>
        <span className="muted">{STATUS_LABEL[factory.status]}</span>
        <span className="muted seen">
          seen <Elapsed since={factory.lastSeenAt} /> ago
        </span>
      </header>
      <div className="factory-load">
        <Stations factory={factory} work={work} />
        <span className="muted">
          {busyStations(factory, work)} of {factory.stations} busy
        </span>
      </div>
      {here.length > 0 && (
        <ul className="factory-jobs">
          {here.map((job) => (
            <li key={job.jobId} className={`stage-${job.stage}`}>
              <Link to={jobPath(job.jobId)}>{job.title}</Link>
              <span className="stage-text">{job.landing ? 'Merging' : STAGE_LABEL[job.stage]}</span>
            </li>
          ))}
        </ul>
      )}
      <dl className="facts">
        <div>
          <dt>Pools</dt>
          <dd>{factory.pools.length > 0 ? factory.pools.join(', ') : 'none: it satisfies no pool'}</dd>
        </div>
        {groupCapabilities(factory.advertises).map(({ title, tags }) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd className="tags">
              {tags.map((tag) => (
                <code key={tag}>{tag}</code>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </article>
  );
}
