import type { ReadyEntry } from '../../shared/contract/fleet.js';
import { after } from '../../shared/rules/leases.js';
import { FACTORIES, READY, poolQueueName } from '../../shared/topology.js';
import type { Deps } from './deps.js';
import { sendTicket } from './dispatchJob.js';
import { markOffline } from './factoryStore.js';

/** A job that has just become ready has its ticket on the way. */
const GRACE_SECONDS = 10;
/** Entries of one sweep; the next one goes on. */
const MAX_ENTRIES = 2000;

/** A factory with a free station takes a ticket at once; a ticket that lies for so long was heard by none. */
const UNHEARD_SECONDS = 30;

type Entry = Pick<ReadyEntry, 'id' | 'pool' | 'lane' | 'epoch' | 'readySince'>;

/**
 * Sends tickets again that got lost, or that were spent on a job which could not be claimed then: every pool gets
 * as many tickets as it has ready jobs. A pool whose jobs merely wait for a free factory has its tickets still; where
 * they lie although a factory should be free, that factory is marked offline (docs/decisions/0006).
 * @param graceSeconds how long a job must be ready already; its first ticket may be on the way
 * @param pools all of them where absent
 * @returns how many were sent
 */
export async function sweepTickets(
  deps: Deps,
  graceSeconds = GRACE_SECONDS,
  pools?: readonly string[],
): Promise<number> {
  const now = deps.clock.now();
  const entries = await deps.documents.select<Entry>(READY, {
    text: `SELECT TOP ${MAX_ENTRIES} c.id, c.pool, c.lane, c.epoch, c.readySince FROM c
           WHERE c.readySince <= @before AND (NOT IS_DEFINED(c.notBefore) OR c.notBefore <= @before)
           ${pools === undefined ? '' : 'AND ARRAY_CONTAINS(@pools, c.pool)'}`,
    parameters: { before: after(now, -graceSeconds), ...(pools && { pools: [...pools] }) },
  });
  const byPool = new Map<string, Entry[]>();
  for (const entry of entries) byPool.set(entry.pool, [...(byPool.get(entry.pool) ?? []), entry]);
  const sent = await Promise.all([...byPool].map(([pool, due]) => sweepPool(deps, pool, due)));
  return sent.reduce((sum, count) => sum + count, 0);
}

/**
 * As sweepTickets, after a change that lets waiting jobs go: also those that have just become ready, since their
 * tickets were spent while nothing could be claimed. The timer does it again.
 * @param pools all of them where absent
 */
export async function sweepSoon(deps: Deps, pools?: readonly string[]): Promise<void> {
  try {
    await sweepTickets(deps, 0, pools);
  } catch (error) {
    deps.log('warn', 'tickets are left to the sweeper', { error: String(error) });
  }
}

async function sweepPool(deps: Deps, pool: string, due: readonly Entry[]): Promise<number> {
  const waiting = await deps.bus.waiting(poolQueueName(pool), due.length);
  const named = new Set(waiting.map((messageId) => messageId.split('.')[0]));
  await markUnheard(
    deps,
    pool,
    due.filter(({ id }) => named.has(id)),
  );
  const lost = due.length - waiting.length;
  if (lost <= 0) return 0;
  const again = due.filter(({ id }) => !named.has(id)).slice(0, lost);
  const mark = `sweep-${Date.parse(deps.clock.now())}`;
  for (const entry of again) await sendTicket(deps, { ...entry, jobId: entry.id }, mark);
  deps.log('info', 'tickets were sent again', { pool, count: again.length });
  return again.length;
}

/**
 * Idle factories send no heartbeats, so their silence shows only where work waits for them. Busy ones renew their
 * leases, which is a sign of life: they are not silent for a whole lease.
 */
async function markUnheard(deps: Deps, pool: string, waiting: readonly Entry[]): Promise<void> {
  const before = after(deps.clock.now(), -Math.max(UNHEARD_SECONDS, deps.settings.leaseSeconds));
  const since = waiting
    .map(({ readySince }) => readySince)
    .filter((readySince) => readySince <= before)
    .toSorted()
    .at(-1);
  if (since === undefined) return;
  const silent = await deps.documents.select<{ id: string }>(FACTORIES, {
    text: `SELECT c.id FROM c WHERE c.type = 'factory' AND c.status = 'online' AND c.lastSeenAt <= @since
           AND ARRAY_CONTAINS(c.pools, @pool)`,
    parameters: { since, pool },
  });
  await Promise.all(silent.map(({ id }) => markOffline(deps, id, since)));
}
