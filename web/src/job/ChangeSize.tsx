import { count } from '../../../shared/contract/count.js';
import type { Change } from '../../../shared/contract/job.js';

/** How much a change changes: `2 files, +10 −3`. */
export function ChangeSize({ change }: { change: Change }) {
  return (
    <>
      {count(change.filesChanged.length, 'file')}, <span className="good-text">+{change.insertions}</span>{' '}
      <span className="bad-text">−{change.deletions}</span>
    </>
  );
}
