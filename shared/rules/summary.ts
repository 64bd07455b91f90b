/** The one sentence at the top of an explanation. */
import { assertExhaustive } from '../errors.js';
import type { Block, Explanation } from '../contract/explanation.js';
import type { ReadyEntry } from '../contract/fleet.js';
import type { Job, Run } from '../contract/job.js';
import { windowName } from './budget.js';
import { whyNotDirectly } from './gates.js';
import { isInFlight } from './stages.js';

/** A sentence stays one. */
const MAX_NAMED = 3;

/** One sentence for a job that nobody needs to be found for. */
export function summaryOfSettled(job: Job, lastRun?: Run): string {
  const notDirectly = whyNotDirectly(job, lastRun);
  const kept = notDirectly === undefined ? '' : ` Not pushed directly: ${notDirectly}.`;
  const because = job.failure === undefined ? '' : ` (${job.failure.reason}): ${job.failure.message}`;
  if (isInFlight(job)) return `${job.holder} works on it: run ${job.epoch}, ${job.stage}.`;
  switch (job.stage) {
    case 'shipped':
      if (job.children !== undefined) return `Shipped: all ${job.children.count} children are.`;
      return `Shipped as ${job.mergeCommit ?? 'a merge'}.`;
    case 'failed':
      return `Failed${because}`;
    case 'dead_letter':
      return `In the dead letters after attempt ${job.attempts}${because}`;
    case 'review':
      return job.failure === undefined
        ? `Waits for a person to look at its change.${kept}`
        : `Waits for a person: it could not be merged${because}`;
    case 'testing':
      return `Passed its checks; waits for a person to ship it.${kept}`;
    case 'queued':
    case 'assigned':
    case 'building':
      return `In ${job.stage} with nobody holding it.`;
    default:
      return assertExhaustive(job.stage);
  }
}

/** Factories that could do it and are not there, by what they are. */
function awayOf(factories: Explanation['factories']): string {
  const named = (status: string): string => {
    const ids = factories
      .filter(({ blocks }) => blocks.some((block) => block.kind === 'status' && block.status === status))
      .map(({ factoryId }) => factoryId);
    if (ids.length === 0) return '';
    const more = ids.length > MAX_NAMED ? ` and ${ids.length - MAX_NAMED} more` : '';
    return `${ids.slice(0, MAX_NAMED).join(', ')}${more} ${ids.length === 1 ? 'is' : 'are'} ${status}`;
  };
  return ['draining', 'offline'].map(named).filter(Boolean).join(', ');
}

/** One sentence for a job in a ready set: the first thing in its way. */
export function summaryOfWaiting(
  entry: ReadyEntry,
  holds: readonly Block[],
  factories: Explanation['factories'],
  position: number | undefined,
): string {
  const place = position === undefined ? '' : `, place ${position}`;
  const [hold] = holds;
  if (hold?.kind === 'switch') return `Waits: ${hold.scope} is halted (${hold.reason}).`;
  if (hold?.kind === 'paused') return `Waits: product ${hold.productId} is paused (${hold.reason}).`;
  if (hold?.kind === 'lock') return `Waits for the lock ${hold.key}, which ${hold.heldBy} holds.`;
  if (hold?.kind === 'budget')
    return `Waits for the ${windowName(hold.window)} budget of ${hold.productId}: $${Math.max(0, hold.leftUsd).toFixed(2)} are left.`;
  if (hold?.kind === 'backoff') return `Waits for its retry at ${hold.until}.`;
  const free = factories.filter((one) => one.blocks.length === 0);
  if (free.length > 0)
    return `Ready in pool ${entry.pool}${place}: ${free.map((one) => one.factoryId).join(', ')} can take it now.`;
  const [left] = factories.flatMap(({ blocks }) => (blocks.length === 1 ? blocks : []));
  if (left?.kind === 'reserved')
    return `Waits in pool ${entry.pool}${place}: free stations are kept for the work of pool ${left.pool}.`;
  const able = factories.filter((one) =>
    one.blocks.every((block) => block.kind === 'stations' || block.kind === 'status'),
  );
  const busy = able.filter((one) => one.blocks.every((block) => block.kind === 'stations'));
  if (busy.length > 0)
    return `Waits for a free station in pool ${entry.pool}${place}: all of ${busy.map((one) => one.factoryId).join(', ')} are taken.`;
  if (able.length > 0) return `Waits for a factory of pool ${entry.pool}: ${awayOf(able)}.`;
  if (
    entry.targetFactoryId !== undefined &&
    !factories.some((one) => one.factoryId === entry.targetFactoryId)
  )
    return `Waits for the factory ${entry.targetFactoryId}, which is not enrolled.`;
  return `Waits for a factory in pool ${entry.pool}: ${nobodyOf(factories)}.`;
}

function nobodyOf(factories: Explanation['factories']): string {
  const [only, ...others] = factories;
  if (only === undefined) return 'none is enrolled';
  return others.length === 0
    ? `${only.factoryId}, the only one, cannot run it`
    : `none of the ${factories.length} factories can run it`;
}
