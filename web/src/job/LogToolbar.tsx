import { count } from '../../../shared/contract/count.js';
import type { ReactNode, RefObject } from 'react';
import type { LiveLog } from '../hooks/useLog.js';
import { CopyButton } from '../parts/CopyButton.js';
import { logText, type LogBuffer } from '../view/logBuffer.js';

const STATE_LABEL = { live: 'Live', ended: 'Complete', failed: 'Interrupted' } as const;

interface Props {
  log: LogBuffer;
  state: LiveLog['state'];
  picker: ReactNode;
  follow: boolean;
  wrap: boolean;
  query: string;
  found: number;
  at: number;
  searchRef: RefObject<HTMLInputElement | null>;
  onFollow: (follow: boolean) => void;
  onWrap: (wrap: boolean) => void;
  onQuery: (query: string) => void;
  onStep: (by: 1 | -1) => void;
}

/** Which run, whether it still writes, search, and how it is shown. */
export function LogToolbar(props: Props) {
  const { log, state, picker, follow, wrap, query, found, at, searchRef } = props;
  return (
    <div className="log-toolbar">
      {picker}
      <span className="log-state" data-state={state}>
        {STATE_LABEL[state]}
      </span>
      <span className="muted wide-only">{count(log.total, 'line')}</span>
      <span className="spacer" />
      <label className="field search">
        <span className="sr-only">Search the log</span>
        <input
          ref={searchRef}
          type="search"
          placeholder="Search"
          value={query}
          spellCheck={false}
          onChange={(event) => {
            props.onQuery(event.target.value);
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') props.onStep(event.shiftKey ? -1 : 1);
            if (event.key !== 'Escape') return;
            event.preventDefault();
            props.onQuery('');
            event.currentTarget.blur();
          }}
        />
        {query ? (
          <span className="count" aria-live="polite">
            {found === 0 ? 'none' : `${(at % found) + 1} of ${found}`}
          </span>
        ) : (
          <kbd aria-hidden="true">/</kbd>
        )}
      </label>
      <button
        type="button"
        className="button small"
        aria-pressed={follow}
        onClick={() => {
          props.onFollow(!follow);
        }}
      >
        Follow
      </button>
      <button
        type="button"
        className="button small"
        aria-pressed={wrap}
        onClick={() => {
          props.onWrap(!wrap);
        }}
      >
        Wrap
      </button>
      <CopyButton text={() => logText(log)} label="Copy" />
    </div>
  );
}
