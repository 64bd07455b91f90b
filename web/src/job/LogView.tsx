import { useDeferredValue, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { useHotkeys } from '../hooks/useHotkeys.js';
import { useLog } from '../hooks/useLog.js';
import { FailureNotice } from '../parts/FailureNotice.js';
import { findInLog } from '../view/logBuffer.js';
import { LogLines } from './LogLines.js';
import { LogToolbar } from './LogToolbar.js';

/** This near to the end counts as the end: a fraction of a line is not somebody scrolling away. */
const END_PX = 24;

/** The live log: follows its end until somebody scrolls up, and again once they are back there. */
export function LogView({ jobId, epoch, picker }: { jobId: string; epoch: number; picker: ReactNode }) {
  const { log, state, failure } = useLog(jobId, epoch);
  const [follow, setFollow] = useState(true);
  const [wrap, setWrap] = useState(true);
  const [query, setQuery] = useState('');
  const [match, setMatch] = useState(0);
  const scroller = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLInputElement>(null);
  // Typing stays quick: the search of a long log follows when there is time.
  const wanted = useDeferredValue(query);
  const matches = useMemo(() => findInLog(log, wanted), [log, wanted]);
  const current = matches.length > 0 ? matches[match % matches.length] : undefined;

  useEffect(() => {
    const element = scroller.current;
    if (follow && element) element.scrollTop = element.scrollHeight;
  }, [follow, log, wrap]);
  useEffect(() => {
    const element = scroller.current;
    const line = document.getElementById(`line-${current}`);
    if (!element || !line) return;
    // Not scrollIntoView: that would scroll the page as well.
    const fromTop = line.getBoundingClientRect().top - element.getBoundingClientRect().top;
    element.scrollTop += fromTop - element.clientHeight / 2;
  }, [current]);
  useHotkeys({
    '/': () => search.current?.focus(),
    f: () => {
      setFollow((before) => !before);
    },
  });

  const onScroll = (): void => {
    const element = scroller.current;
    if (!element) return;
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < END_PX;
    if (atEnd !== follow) setFollow(atEnd);
  };
  const step = (by: 1 | -1): void => {
    setFollow(false);
    if (matches.length > 0) setMatch((before) => (before + by + matches.length) % matches.length);
  };

  return (
    <div className="log">
      <LogToolbar
        log={log}
        state={state}
        picker={picker}
        follow={follow}
        wrap={wrap}
        query={query}
        found={matches.length}
        at={match}
        searchRef={search}
        onFollow={setFollow}
        onWrap={setWrap}
        onQuery={(text) => {
          setQuery(text);
          setMatch(0);
          // What is found stays in sight, whatever comes at the end.
          if (text) setFollow(false);
        }}
        onStep={step}
      />
      {failure && <FailureNotice failure={failure} />}
      {/* Announced while it follows only: nobody wants to hear what they scrolled away from. */}
      <div
        ref={scroller}
        className={wrap ? 'log-lines wrap' : 'log-lines'}
        role="log"
        aria-live={follow && state === 'live' ? 'polite' : 'off'}
        aria-label={`Log of run ${epoch}`}
        tabIndex={0}
        onScroll={onScroll}
      >
        {log.dropped > 0 && (
          <p className="log-note">
            {log.dropped} earlier lines are not kept here: npx aq logs {jobId}
          </p>
        )}
        <LogLines blocks={log.blocks} query={wanted} matches={matches} current={current} />
        {log.total === 0 && (
          <p className="log-note">
            {state === 'live'
              ? 'Nothing yet: lines appear as the factory writes them.'
              : 'The run wrote nothing.'}
          </p>
        )}
        {state === 'live' && log.total > 0 && <span className="cursor" aria-hidden="true" />}
      </div>
    </div>
  );
}
