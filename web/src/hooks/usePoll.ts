/** Reads something again and again while the page is looked at. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { connection } from '../connection.js';
import { failureOf, type Failure } from '../view/failure.js';

/** After failures the pause doubles up to this, so that a control plane that comes back is not trampled. */
const MAX_PAUSE_MS = 15_000;

export interface Poll<T> {
  /** The last good answer; stays while later ones fail. */
  readonly value?: T;
  readonly failure?: Failure;
  readonly refresh: () => void;
}

interface State<T> {
  readonly key: string;
  readonly value?: T;
  readonly failure?: Failure;
}

/**
 * Polls while the page is visible; another `key` starts over without the old value.
 * @param read gets the value before, so that it can keep what did not change
 */
export function usePoll<T>(
  key: string,
  read: (signal: AbortSignal, previous: T | undefined) => Promise<T>,
  everyMs: number,
): Poll<T> {
  const [state, setState] = useState<State<T>>({ key });
  const latest = useRef(state);
  const reader = useRef(read);
  const wake = useRef<() => void>(() => {});
  useEffect(() => {
    reader.current = read;
  });

  useEffect(() => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let failures = 0;
    let busy = false;
    let again = false;

    const keep = (next: State<T>): void => {
      latest.current = next;
      setState(next);
    };
    const tick = async (): Promise<void> => {
      clearTimeout(timer);
      // Asked for while a read is under way: that one may be too old, so another follows it.
      again = busy;
      if (busy) return;
      busy = true;
      const previous = latest.current.key === key ? latest.current.value : undefined;
      try {
        const value = await reader.current(controller.signal, previous);
        if (controller.signal.aborted) return;
        failures = 0;
        connection.answered();
        if (latest.current.key !== key || value !== previous || latest.current.failure) keep({ key, value });
      } catch (error) {
        if (controller.signal.aborted) return;
        failures += 1;
        const failure = failureOf(error);
        if (failure.offline) connection.lost(failure.detail);
        keep({ key, failure, ...(previous !== undefined && { value: previous }) });
      } finally {
        busy = false;
      }
      const pause = again ? 0 : Math.min(MAX_PAUSE_MS, everyMs * 2 ** failures);
      again = false;
      if (document.visibilityState === 'visible') timer = setTimeout(() => void tick(), pause);
    };
    const onWake = (): void => {
      if (document.visibilityState === 'visible') void tick();
    };
    wake.current = () => void tick();
    document.addEventListener('visibilitychange', onWake);
    window.addEventListener('online', onWake);
    const stopRetry = connection.onRetry(onWake);
    void tick();
    return () => {
      controller.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onWake);
      window.removeEventListener('online', onWake);
      stopRetry();
    };
  }, [key, everyMs]);

  const refresh = useCallback(() => {
    wake.current();
  }, []);
  if (state.key !== key) return { refresh };
  return {
    refresh,
    ...(state.value !== undefined && { value: state.value }),
    ...(state.failure && { failure: state.failure }),
  };
}
