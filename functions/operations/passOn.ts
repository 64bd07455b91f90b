import type { ReadyEntry } from '../../shared/contract/fleet.js';
import { filtersOf, type FactoryView } from '../../shared/rules/blocks.js';
import { capabilityCheck } from '../../shared/rules/capabilities.js';
import { after } from '../../shared/rules/leases.js';
import { READY } from '../../shared/topology.js';
import type { Deps } from './deps.js';
import { sendTicket } from './dispatchJob.js';

/** Time for the factory to queue up behind the others that wait on the pool. */
const DELAY_SECONDS = 1;
/** The queue's duplicate-detection window: within it a factory passes a job's ticket on once, so none goes in circles. */
const WINDOW_MS = 60_000;

/**
 * Passes a ticket on that led a factory to no job because the pool's jobs are for others: for one factory by name, or
 * of products that this one does not serve. Without it the job would wait for the sweeper.
 */
export async function passOn(
  deps: Deps,
  factory: FactoryView,
  pool: string,
  candidates: readonly ReadyEntry[],
): Promise<void> {
  const lacks = capabilityCheck(factory.advertises);
  const entry =
    candidates.find((candidate) => filtersOf(candidate, factory, lacks).length > 0) ??
    (factory.products.includes('*') ? undefined : await firstOf(deps, pool));
  if (!entry) return;
  const now = deps.clock.now();
  const mark = `pass-${factory.id}-${Math.floor(Date.parse(now) / WINDOW_MS)}`;
  await sendTicket(deps, { ...entry, jobId: entry.id }, mark, after(now, DELAY_SECONDS));
}

/**
 * Rings again for work that a factory left to others: to one with a warm checkout, or because rarer work comes first.
 * Each look rings once more, so the bell is not lost before the wait is over. Looks within one delay share one bell:
 * otherwise every ticket that the sweeper adds meanwhile would go round for as long as the wait lasts.
 */
export async function ringAgain(deps: Deps, entry: ReadyEntry): Promise<void> {
  const now = deps.clock.now();
  const mark = `held-${Math.floor(Date.parse(now) / (DELAY_SECONDS * 1000))}`;
  await sendTicket(deps, { ...entry, jobId: entry.id }, mark, after(now, DELAY_SECONDS));
}

/** Candidates are those of the factory's products; others show only when nothing else is asked for. */
async function firstOf(deps: Deps, pool: string): Promise<ReadyEntry | undefined> {
  const [first] = await deps.documents.query<ReadyEntry>(READY, {
    text: `SELECT TOP 1 * FROM c WHERE (NOT IS_DEFINED(c.notBefore) OR c.notBefore <= @now)
           ORDER BY c.orderKey`,
    parameters: { now: deps.clock.now() },
    partition: [pool],
  });
  return first?.document;
}
