import type { Sla } from '../../shared/contract/job.js';
import { age, type Paint } from '../text.js';

const PHASE = { start: 'a factory', run: 'the end of its run', decide: 'a person' } as const;

/** @param now milliseconds since 1970 */
export function describeSla({ phase, dueAt, breached }: Sla, now: number, paint: Paint): string {
  const ms = Math.abs(Date.parse(dueAt) - now);
  return breached
    ? paint('red', `late by ${age(ms)}, waiting for ${PHASE[phase]}`)
    : `${age(ms)} left, waiting for ${PHASE[phase]}`;
}
