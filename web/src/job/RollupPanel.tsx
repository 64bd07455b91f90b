import type { Rollup } from '../../../shared/contract/children.js';
import type { Job } from '../../../shared/contract/job.js';
import { STAGE_LABEL, STAGES } from '../view/stages.js';
import { formatCost, formatTokens } from '../view/usage.js';

/** A composite with all below it, added up: where they stand, what they cost, what was checked. */
export function RollupPanel({ job, rollup }: { job: Job; rollup: Rollup }) {
  const { jobs, byStage, usage, verify } = rollup;
  const { budget } = job.manifest;
  const stages = STAGES.flatMap((stage) => {
    const number = byStage[stage] ?? 0;
    return number > 0 ? [{ stage, number }] : [];
  });
  const told = stages.map(({ stage, number }) => `${number} ${STAGE_LABEL[stage].toLowerCase()}`).join(', ');
  return (
    <section className="rollup" aria-label="Children in all">
      <div className="rollup-bar" role="img" aria-label={told}>
        {stages.map(({ stage, number }) => (
          <span key={stage} className={`stage-${stage}`} style={{ flexGrow: number }} />
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
