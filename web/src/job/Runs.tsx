import type { RunView } from '../../../shared/contract/view.js';
import { Elapsed } from '../parts/ClockText.js';
import { setParam } from '../router.js';
import { formatDuration } from '../view/time.js';
import { formatCost } from '../view/usage.js';

/** Every attempt, the newest first; a click shows its log. */
export function Runs({ runs }: { runs: readonly RunView[] }) {
  if (runs.length === 0) return null;
  return (
    <section aria-labelledby="runs-title">
      <h2 id="runs-title" className="section-title">
        Runs
      </h2>
      <ul className="runs">
        {runs
          .toSorted((a, b) => b.epoch - a.epoch)
          .map((run) => (
            <li key={run.epoch}>
              <button
                type="button"
                onClick={() => {
                  setParam('tab', undefined);
                  setParam('run', String(run.epoch));
                }}
              >
                <span className="run-status" data-status={run.status} />
                <b>#{run.epoch}</b> {run.kind === 'land' ? 'merge' : run.engine}
                <span className="muted"> on {run.factoryId}</span>
                <span className="run-end">
                  {run.status}
                  <span className="muted">
                    {' '}
                    {run.endedAt ? (
                      formatDuration(Date.parse(run.endedAt) - Date.parse(run.startedAt))
                    ) : (
                      <Elapsed since={run.startedAt} />
                    )}
                    {run.usage && run.usage.usd > 0 && ` · ${formatCost(run.usage)}`}
                  </span>
                </span>
              </button>
            </li>
          ))}
      </ul>
    </section>
  );
}
