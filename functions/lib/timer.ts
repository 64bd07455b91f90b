import { app as functionApp, type TimerHandler } from '@azure/functions';
import type { Deps } from '../operations/deps.js';
import { app } from './app.js';
import { logTo } from './log.js';

/**
 * Registers a function that runs on a schedule.
 * @param schedule NCRONTAB with six fields: `{second} {minute} {hour} {day} {month} {weekday}`
 * @returns the handler, for tests
 */
export function timerFunction(
  name: string,
  schedule: string,
  operate: (deps: Deps) => Promise<void>,
): TimerHandler {
  const handler: TimerHandler = async (_timer, context) => {
    const { deps } = await app();
    await operate(deps(logTo(context)));
  };
  functionApp.timer(name, { schedule, handler });
  return handler;
}
