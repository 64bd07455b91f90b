import type { JobDetail } from '../../../shared/contract/api.js';
import { useNow } from '../hooks/useNow.js';
import { isCancelled, isEnded, STAGE_LABEL, stageClass, stageTrack } from '../view/stages.js';
import { formatDuration, formatElapsed } from '../view/time.js';
import { timeInStages } from '../view/timeline.js';

/** The six stages with the time spent in each; the current one counts. */
export function StageRail({ detail }: { detail: JobDetail }) {
  const { job, events } = detail;
  const now = useNow(!isEnded(job.stage));
  const { steps, active } = stageTrack(job);
  const spent = timeInStages(events, now);
  return (
    <ol className={`rail ${stageClass(job)}`} data-active={active || undefined} aria-label="Stages">
      {steps.map(({ step, state }) => {
        const ms = spent.get(step);
        const time =
          state === 'current'
            ? formatElapsed(job.stageSince, now)
            : ms === undefined || step === 'shipped' || state === 'todo'
              ? ''
              : formatDuration(ms);
        return (
          <li key={step} data-state={state} aria-current={state === 'current' ? 'step' : undefined}>
            <i aria-hidden="true" />
            <span className="rail-label">
              {state === 'failed'
                ? `${isCancelled(job) ? 'Cancelled' : job.stage === 'failed' ? 'Failed' : 'Given up'} in ${STAGE_LABEL[step].toLowerCase()}`
                : STAGE_LABEL[step]}
            </span>
            <span className="rail-time">{time}</span>
          </li>
        );
      })}
    </ol>
  );
}
