import type { JobSummary } from '../../../shared/contract/api.js';
import { stageClass, stageLabel, stageTrack } from '../view/stages.js';

/** Six small steps and the stage in words. The words carry the meaning; the steps are for the eye. */
export function StageTrack({ job }: { job: JobSummary }) {
  const { steps, active } = stageTrack(job);
  return (
    <span className={`track ${stageClass(job)}`} data-active={active || undefined}>
      <span className="track-steps" aria-hidden="true">
        {steps.map(({ step, state }) => (
          <i key={step} data-state={state} />
        ))}
      </span>
      <span className="track-label">{stageLabel(job)}</span>
    </span>
  );
}
