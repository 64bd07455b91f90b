import { Link } from '../parts/Link.js';
import { jobPath } from '../router.js';
import { busyStations, stationsOf, type FactorySummary, type Work } from '../view/fleet.js';

/** One cell a station; a busy one leads to its job where the list knows it. */
export function Stations({ factory, work }: { factory: FactorySummary; work: Work }) {
  return (
    <span
      className="stations"
      role="group"
      aria-label={`${busyStations(factory, work)} of ${factory.stations} stations busy`}
      title={`${busyStations(factory, work)} of ${factory.stations} stations busy`}
    >
      {stationsOf(factory, work).map((station, index) =>
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
