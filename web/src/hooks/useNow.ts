/** The time, as text: a component renders again only when what it shows has changed. */
import { useSyncExternalStore } from 'react';

const TICK_MS = 1000;

let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

/** One interval for the whole page. */
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    for (const each of listeners) each();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

const never = (): (() => void) => () => {};

/** What `format` makes of the current time, kept up to date while `running`. */
export function useClockText(format: (now: number) => string, running = true): string {
  return useSyncExternalStore(running ? subscribe : never, () => format(Date.now()));
}

/** The current second, in milliseconds. */
export function useNow(running = true): number {
  return useSyncExternalStore(running ? subscribe : never, () => Math.floor(Date.now() / TICK_MS) * TICK_MS);
}
