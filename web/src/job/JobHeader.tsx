import type { JobDetail } from '../../../shared/contract/api.js';
import { Elapsed, Until } from '../parts/ClockText.js';
import { CopyButton } from '../parts/CopyButton.js';
import { actorName } from '../../../shared/eventText.js';
import { formatCost, formatTokens } from '../view/usage.js';
import { JobActions } from './JobActions.js';

/** What it is, in one glance, and what may be done with it. */
export function JobHeader({ detail, onChanged }: { detail: JobDetail; onChanged: () => void }) {
  const { job, sla } = detail;
  return (
    <header className="job-head">
      <div className="job-title">
        <h1>{job.title}</h1>
        <JobActions detail={detail} onChanged={onChanged} />
      </div>
      <ul className="meta">
        <li>
          <CopyButton text={() => job.jobId} label={job.jobId} className="copy-id" />
        </li>
        {job.trackerItem && (
          <li>
            <a href={job.trackerItem.url} target="_blank" rel="noreferrer">
              {job.trackerItem.repository}#{job.trackerItem.number}
            </a>
          </li>
        )}
        {!job.children && <li>{job.engine ?? job.manifest['engine-class'] ?? 'any engine'}</li>}
        <li>
          <span className="priority" data-priority={job.manifest.priority}>
            {job.manifest.priority}
          </span>
        </li>
        {job.holder && (
          <li>
            on <strong>{job.holder}</strong>
          </li>
        )}
        {job.hold && (
          <li className="warn-text">
            on hold by {job.hold.by.id}: {job.hold.reason}
          </li>
        )}
        {sla && (
          <li className={sla.breached ? 'bad-text' : 'muted'}>
            {sla.breached ? (
              <>
                late for <Elapsed since={sla.dueAt} />
              </>
            ) : (
              <>
                due <Until at={sla.dueAt} past="now" />
              </>
            )}
          </li>
        )}
        <li>
          {formatCost(job.usage)} <span className="muted">· {formatTokens(job.usage)} tokens</span>
        </li>
        <li className="muted">
          by {actorName(job.submittedBy)}, <Elapsed since={job.submittedAt} /> ago
        </li>
      </ul>
    </header>
  );
}
