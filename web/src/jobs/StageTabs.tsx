import type { Stage } from '../../../shared/contract/job.js';
import { STAGE_LABEL, STAGES } from '../view/stages.js';

interface Props {
  counts: Readonly<Record<Stage, number>>;
  total: number;
  current: Stage | undefined;
  onChoose: (stage: Stage | undefined) => void;
}

/** How many jobs stand where; a click shows those alone, another one all again. */
export function StageTabs({ counts, total, current, onChoose }: Props) {
  return (
    <div className="stage-tabs" role="group" aria-label="Stage">
      <button
        type="button"
        aria-pressed={current === undefined}
        onClick={() => {
          onChoose(undefined);
        }}
      >
        All <b>{total}</b>
      </button>
      {STAGES.map((stage) => (
        <button
          key={stage}
          type="button"
          className={`stage-${stage}`}
          aria-pressed={current === stage}
          data-empty={counts[stage] === 0 || undefined}
          onClick={() => {
            onChoose(current === stage ? undefined : stage);
          }}
        >
          <i aria-hidden="true" />
          {STAGE_LABEL[stage]} <b>{counts[stage]}</b>
        </button>
      ))}
    </div>
  );
}
