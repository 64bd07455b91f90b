import type { JobView, RunView } from '../../../shared/contract/view.js';
import type { KeyboardEvent } from 'react';
import { keptFiles } from '../view/artifacts.js';

export const TABS = ['log', 'change', 'artifacts', 'why', 'graph', 'manifest'] as const;
export type Tab = (typeof TABS)[number];

const LABEL: Readonly<Record<Tab, string>> = {
  log: 'Log',
  change: 'Change',
  artifacts: 'Artifacts',
  why: 'Why',
  graph: 'Graph',
  manifest: 'Manifest',
};

/** The tab that the address names; the log otherwise. */
export const tabOf = (name: string | null): Tab => TABS.find((tab) => tab === name) ?? 'log';

/** Arrow keys move between the tabs, as the pattern for tabs has it. */
export function Tabs({
  current,
  job,
  runs,
  onChoose,
}: {
  current: Tab;
  job: JobView;
  runs: readonly RunView[];
  onChoose: (tab: Tab) => void;
}) {
  const kept = keptFiles(runs).length;
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (by === 0) return;
    const next = TABS[(TABS.indexOf(current) + by + TABS.length) % TABS.length] ?? 'log';
    onChoose(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  const count = job.change?.filesChanged.length;
  return (
    <div className="tabs" role="tablist" aria-label="Views of the job" onKeyDown={onKeyDown}>
      {TABS.map((tab) => (
        <button
          key={tab}
          id={`tab-${tab}`}
          type="button"
          role="tab"
          aria-selected={tab === current}
          aria-controls="job-panel"
          tabIndex={tab === current ? 0 : -1}
          onClick={() => {
            onChoose(tab);
          }}
        >
          {LABEL[tab]}
          {tab === 'change' && count !== undefined && <b>{count}</b>}
          {tab === 'artifacts' && kept > 0 && <b>{kept}</b>}
          {tab === 'change' && job.verify && (
            <span className={job.verify.passed ? 'good-text' : 'bad-text'}>
              {job.verify.passed ? '✓' : '✗'}
            </span>
          )}
        </button>
      ))}
    </div>
  );
}
