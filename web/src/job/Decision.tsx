import type { Assignment } from '../../../shared/contract/explanation.js';
import { Link } from '../parts/Link.js';
import { jobPath } from '../router.js';
import { ScoreTable } from './ScoreTable.js';
import { blocksText } from '../view/explain.js';

/** A decision of the scheduler: its score in parts, and the other jobs that were ready at that moment. */
export function Decision({ decision }: { decision: Assignment }) {
  const others = decision.considered.slice(1);
  return (
    <div className="decision">
      <ScoreTable score={decision.score} />
      {others.length > 0 && (
        <>
          <p className="muted">Also ready ({decision.candidates} in all)</p>
          <ul className="plain-list">
            {others.map((other) => (
              <li key={other.jobId}>
                <Link to={jobPath(other.jobId)}>
                  <code>{other.jobId}</code>
                </Link>{' '}
                {other.score !== undefined && other.score.toFixed(2)}
                {other.blocked.length > 0 && <span className="muted"> {blocksText(other.blocked)}</span>}
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
