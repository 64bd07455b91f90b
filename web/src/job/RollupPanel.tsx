import type { Rollup } from '../../../shared/contract/children.js';
import type { JobView } from '../../../shared/contract/view.js';
import { rollupParts } from '../view/stages.js';
import { formatCost, formatTokens } from '../view/usage.js';

/** A composite with all below it, added up: where they stand, what they cost, what was checked. */
export function RollupPanel({ job, rollup }: { job: JobView; rollup: Rollup }) {
  const { jobs, usage, verify } = rollup;
  const { budget } = job.manifest;
  const parts = rollupParts(rollup);
  const told = parts.map(({ label, number }) => `${number} ${label.toLowerCase()}`).join(', ');
  return (
    <section className="rollup" aria-label="Children in all">
      <div className="rollup-bar" role="img" aria-label={told}>
        {parts.map(({ className, number }) => (
          <span key={className} className={className} style={{ flexGrow: number }} />
        ))}
      </div>
      <dl className="facts">
        <div>
          <dt>Children</dt>
          <dd>
            {jobs}: {told}
          </dd>
        </div>
        <div>
          <dt>Budget</dt>
          <dd>
            {formatCost(usage)}
            {budget.usd !== undefined && ` of $${budget.usd.toFixed(2)}`} · {formatTokens(usage)} tokens
          </dd>
        </div>
        <div>
          <dt>Verify</dt>
          <dd>
            {verify.passed} passed, {verify.failed} failed, {verify.open} open
          </dd>
        </div>
      </dl>
    </section>
  );
}
