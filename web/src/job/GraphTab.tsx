import { count } from '../../../shared/contract/count.js';
import { useControl } from '../control.js';
import { usePoll } from '../hooks/usePoll.js';
import { FailureNotice } from '../parts/FailureNotice.js';
import { Link } from '../parts/Link.js';
import { jobPath } from '../router.js';
import { NODE, layoutDag } from '../view/dagLayout.js';
import { stageClass, stageLabel } from '../view/stages.js';

const POLL_MS = 3000;

/** The jobs that hang together with this one, drawn: what is on the left comes first. */
export function GraphTab({ jobId }: { jobId: string }) {
  const { client } = useControl();
  const { value, failure, refresh } = usePoll(
    `dag ${jobId}`,
    (signal) => client.getDag({ params: { jobId } }, { signal }),
    POLL_MS,
  );
  if (!value)
    return failure ? (
      <FailureNotice failure={failure} onRetry={refresh} />
    ) : (
      <div className="skeleton" role="status" aria-label="Loading the graph" />
    );
  if (value.jobs.length < 2)
    return <p className="muted">It waits for no other job, none waits for it, and it has no children.</p>;
  const { jobs, edges, width, height } = layoutDag(value);
  return (
    <div className="graph" tabIndex={0} aria-label={`Graph of ${count(jobs.length, 'job')}`}>
      <div className="graph-canvas" style={{ width, height }}>
        <svg width={width} height={height} aria-hidden="true">
          {edges.map(({ key, path, met, family }) => (
            <path key={key} d={path} data-met={met || undefined} data-family={family || undefined} />
          ))}
        </svg>
        {jobs.map(({ job, x, y }) => (
          <div
            key={job.jobId}
            className={`graph-job ${stageClass(job)}`}
            data-here={job.jobId === jobId || undefined}
            style={{ left: x, top: y, width: NODE.width, height: NODE.height }}
          >
            <Link to={`${jobPath(job.jobId)}?tab=graph`}>{job.title}</Link>
            <span>{stageLabel(job)}</span>
          </div>
        ))}
      </div>
    </div>
  );
}
