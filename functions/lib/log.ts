import type { InvocationContext } from '@azure/functions';
import type { Log } from '../operations/deps.js';

/** The invocation's own log: the host adds function, invocation and time, and passes it on to Application Insights. */
export const logTo =
  (context: InvocationContext): Log =>
  (level, message, facts) => {
    const line = facts === undefined ? [message] : [message, JSON.stringify(facts)];
    switch (level) {
      case 'debug':
        context.debug(...line);
        return;
      case 'info':
        context.info(...line);
        return;
      case 'warn':
        context.warn(...line);
        return;
      case 'error':
        context.error(...line);
        return;
    }
  };
