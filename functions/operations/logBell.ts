/** Wakes those who read a run's log on this instance when something was appended here. Others look again by time. */
export interface LogBell {
  ring(log: string): void;
  /** Resolves at the next ring, or after `ms`, or when `signal` is aborted. */
  wait(log: string, ms: number, signal: AbortSignal): Promise<void>;
}

export function createLogBell(): LogBell {
  const waiting = new Map<string, Set<() => void>>();
  return {
    ring(log) {
      const wakers = waiting.get(log);
      waiting.delete(log);
      wakers?.forEach((wake) => {
        wake();
      });
    },
    wait(log, ms, signal) {
      return new Promise((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          const wakers = waiting.get(log);
          wakers?.delete(wake);
          if (wakers?.size === 0) waiting.delete(log);
          resolve();
        };
        const timer = setTimeout(wake, ms);
        signal.addEventListener('abort', wake);
        const wakers = waiting.get(log) ?? new Set();
        waiting.set(log, wakers.add(wake));
        if (signal.aborted) wake();
      });
    },
  };
}
