/**
 * Which running job makes room for one that cannot be placed: of those with strictly lower priority, on a factory that
 * could run the waiting one, that whose loss is the cheapest; and none that made room the last time it ran.
 */
import type { ReadyEntry } from '../contract/fleet.js';
import type { RunKind } from '../contract/job.js';
import { filtersOf, holdsOf } from './blocks.js';
import type { FactoryView, SchedulingContext } from './blocks.js';
import { missing } from './capabilities.js';

/** Only the most urgent work takes a station from others. */
const PREEMPTING_RANK = 0;
/** A station may become free, or a factory may be on its way to claim: no work is thrown away for that. In seconds. */
export const PREEMPT_AFTER_SECONDS = 15;

export interface RunningJob {
  readonly jobId: string;
  readonly factoryId: string;
  readonly epoch: number;
  /** 0 for critical … 3 for low, without ageing: what waited long is not less urgent for that. */
  readonly priorityRank: number;
  readonly kind: RunKind;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** It made room for another job the last time it ran. */
  readonly madeRoom: boolean;
}

export type Preemption =
  | { kind: 'preempt'; victim: RunningJob; why: string }
  /** Nothing needs to make room, or nothing may. */
  | { kind: 'refused'; why: string };

/**
 * @param factories those that are online; `running` may be behind, so free stations are counted from `running` jobs
 * @param now milliseconds since 1970
 */
export function selectWithPreemption(
  entry: ReadyEntry,
  running: readonly RunningJob[],
  factories: readonly FactoryView[],
  context: SchedulingContext,
  now: number,
): Preemption {
  const refused = (why: string): Preemption => ({ kind: 'refused', why });
  if (entry.priorityRank !== PREEMPTING_RANK)
    return refused(`${entry.priority} work takes no station from others`);
  if (Date.parse(entry.readySince) + PREEMPT_AFTER_SECONDS * 1000 > now)
    return refused('it has not waited long enough');
  if (holdsOf(entry, context, now).length > 0) return refused('a free station would not help it');
  const able = factories.filter(
    (factory) =>
      factory.pools.includes(entry.pool) &&
      filtersOf(entry, factory, (requirements) => missing(requirements, factory.advertises)).length === 0,
  );
  if (able.length === 0) return refused('no factory that is online could run it');
  const onFactory = (id: string): RunningJob[] => running.filter((job) => job.factoryId === id);
  const free = able.find((factory) => onFactory(factory.id).length < factory.stations);
  if (free !== undefined) return refused(`${free.id} has a free station`);

  const [victim] = able
    .flatMap(({ id }) => onFactory(id))
    // A merge takes seconds, and somebody waits for it.
    .filter((job) => job.priorityRank > entry.priorityRank && job.kind === 'build' && !job.madeRoom)
    .sort(
      (one, other) =>
        // The loss is the time that the run has taken; of equal losses the less urgent one goes.
        other.startedAt - one.startedAt ||
        other.priorityRank - one.priorityRank ||
        (one.jobId < other.jobId ? -1 : 1),
    );
  if (victim === undefined) return refused('nothing of lower priority runs where it could run');
  const seconds = Math.max(0, Math.round((now - victim.startedAt) / 1000));
  return {
    kind: 'preempt',
    victim,
    why: `made room for ${entry.id}: the cheapest loss, ${seconds} s of work`,
  };
}
