// The host's log: one entry a line, filtered by `logging.logLevel` of host.json.
import type { LogLevel } from './worker/protocol.js';

export interface LogEntry {
  level: LogLevel;
  /** `Function.<name>.User` for an app's own words, `Function.<name>` for the host's about it, else `Host.…`. */
  category: string;
  message: string;
  at: Date;
  invocationId?: string;
}

export type Log = (level: LogLevel, category: string, message: string, invocationId?: string) => void;

const ORDER: readonly LogLevel[] = ['trace', 'debug', 'information', 'warning', 'error', 'critical', 'none'];

/**
 * @param levels category prefix → least level, lower case, `default` for the rest; the longest prefix decides
 * @returns a log that drops what is below its category's level
 */
export function createLog(
  levels: () => Readonly<Record<string, LogLevel>>,
  sink: (entry: LogEntry) => void,
): Log {
  return (level, category, message, invocationId) => {
    const chosen = levels();
    const name = category.toLowerCase();
    const prefix = Object.keys(chosen)
      .filter((key) => name === key || name.startsWith(`${key}.`))
      .reduce((longest, key) => (key.length > longest.length ? key : longest), 'default');
    if (ORDER.indexOf(level) < ORDER.indexOf(chosen[prefix] ?? 'information')) return;
    sink({ level, category, message, at: new Date(), ...(invocationId ? { invocationId } : {}) });
  };
}
