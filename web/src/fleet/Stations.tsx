import type { Job } from '../../../shared/contract/job.js';
import { Link } from '../parts/Link.js';
import { jobPath } from '../router.js';
import { stationsOf, type FactorySummary } from '../view/fleet.js';

/** One cell a station; a busy one leads to its job where the list knows it. */
export function Stations({ factory, jobs }: { factory: FactorySummary; jobs: readonly Job[] }) {
  return (
    <span
      className="stations"
      role="group"
      aria-label={`${factory.running} of ${factory.stations} stations busy`}
    >
      {stationsOf(factory, jobs).map((station, index) =>
        station.job ? (
          <Link
            key={index}
            to={jobPath(station.job.jobId)}
            className={`station busy stage-${station.job.stage}`}
            title={station.job.title}
          >
            <span className="sr-only">{station.job.title}</span>
          </Link>
        ) : (
          <i key={index} className={station.busy ? 'station busy' : 'station'} aria-hidden="true" />
        ),
      )}
    </span>
  );
}
