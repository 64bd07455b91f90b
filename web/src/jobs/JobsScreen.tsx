import { useEffect, useRef, useState } from 'react';
import { FleetStrip } from '../fleet/FleetStrip.js';
import { useHotkeys } from '../hooks/useHotkeys.js';
import { useProducts } from '../hooks/useProducts.js';
import { FailureNotice } from '../parts/FailureNotice.js';
import { navigate, useAddress } from '../router.js';
import { inScope, readFilter, writeFilter, type JobFilter } from '../view/jobFilter.js';
import { stageCounts } from '../view/stages.js';
import { EmptyJobs } from './EmptyJobs.js';
import { JobTable } from './JobTable.js';
import { JobToolbar } from './JobToolbar.js';
import { NewJobDialog } from './NewJobDialog.js';
import { StageTabs } from './StageTabs.js';
import { LIST_LIMIT, useJobs, workOf } from './useJobs.js';

/** Moves the focus by rows; the row's own link has it, so Enter and screen readers need nothing more. */
function moveFocus(by: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLElement>('[data-job-link]')];
  const at = links.findIndex((link) => link === document.activeElement);
  const next = links[at === -1 ? (by === 1 ? 0 : links.length - 1) : at + by];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

/** The first screen: what is going on, and what waits for a person. */
export function JobsScreen() {
  const { search } = useAddress();
  const filter = readFilter(search);
  const poll = useJobs(filter);
  const products = useProducts();
  const [creating, setCreating] = useState(false);
  const filterInput = useRef<HTMLInputElement>(null);

  const change = (next: JobFilter): void => {
    navigate(`/${writeFilter(next)}`, { replace: true });
  };
  const create = (): void => {
    setCreating(true);
  };
  useHotkeys({
    j: () => {
      moveFocus(1);
    },
    k: () => {
      moveFocus(-1);
    },
    '/': () => filterInput.current?.focus(),
    n: create,
    Escape: () => {
      change({ text: '' });
    },
  });
  useEffect(() => {
    document.title = 'Jobs · gigafactory';
  }, []);

  const all = poll.value?.jobs ?? [];
  const scoped = inScope(all, filter);
  const shown = filter.stage ? scoped.filter((job) => job.stage === filter.stage) : scoped;
  return (
    <div className="page">
      <div className="page-head">
        <h1>Jobs</h1>
        <button type="button" className="button primary" onClick={create}>
          New job <kbd>n</kbd>
        </button>
      </div>
      <FleetStrip work={workOf(poll.value, filter.product)} />
      <StageTabs
        counts={stageCounts(scoped)}
        total={scoped.length}
        current={filter.stage}
        onChoose={(stage) => {
          const { stage: _, ...rest } = filter;
          change(stage ? { ...rest, stage } : rest);
        }}
      />
      <JobToolbar filter={filter} products={products.value ?? []} inputRef={filterInput} onChange={change} />
      {poll.failure && !(poll.failure.offline && poll.value) && (
        <FailureNotice failure={poll.failure} onRetry={poll.refresh} />
      )}
      {poll.value &&
        (shown.length > 0 ? (
          <JobTable jobs={shown} />
        ) : (
          <EmptyJobs
            filtered={all.length > 0 || filter.product !== undefined}
            onClear={() => {
              change({ text: '' });
            }}
            onCreate={create}
          />
        ))}
      {!poll.value && !poll.failure && (
        <div className="skeleton" aria-label="Loading the jobs" role="status" />
      )}
      {poll.value?.truncated && (
        <p className="muted foot">
          The newest {LIST_LIMIT} jobs; a stage or a product shows more of them. All: <code>npx aq list</code>
        </p>
      )}
      {creating && (
        <NewJobDialog
          products={products}
          product={filter.product}
          onClose={() => {
            setCreating(false);
          }}
        />
      )}
    </div>
  );
}
