import type { ReadyEntry } from '../../shared/contract/fleet.js';
import { after } from '../../shared/rules/leases.js';
import { READY, poolQueueName } from '../../shared/topology.js';
import type { Deps } from './deps.js';
import { sendTicket } from './dispatchJob.js';

/** A job that has just become ready has its ticket on the way. */
const GRACE_SECONDS = 10;
/** Entries of one sweep; the next one goes on. */
const MAX_ENTRIES = 2000;

type Entry = Pick<ReadyEntry, 'id' | 'pool' | 'lane' | 'epoch'>;

/**
 * Sends tickets again that got lost, or that were spent on a job which could not be claimed then: every pool gets
 * as many tickets as it has ready jobs. A pool whose jobs merely wait for a free factory has its tickets still.
 * @returns how many were sent
 */
export async function sweepTickets(deps: Deps): Promise<number> {
  const now = deps.clock.now();
  const entries = await deps.documents.select<Entry>(READY, {
    text: `SELECT TOP ${MAX_ENTRIES} c.id, c.pool, c.lane, c.epoch FROM c
           WHERE c.readySince <= @before AND (NOT IS_DEFINED(c.notBefore) OR c.notBefore <= @before)`,
    parameters: { before: after(now, -GRACE_SECONDS) },
  });
  const byPool = new Map<string, Entry[]>();
  for (const entry of entries) byPool.set(entry.pool, [...(byPool.get(entry.pool) ?? []), entry]);
  const sent = await Promise.all([...byPool].map(([pool, due]) => sweepPool(deps, pool, due)));
  return sent.reduce((sum, count) => sum + count, 0);
}

/** As sweepTickets, after a change that lets waiting jobs go; the timer does it again. */
export async function sweepSoon(deps: Deps): Promise<void> {
  try {
    await sweepTickets(deps);
  } catch (error) {
    deps.log('warn', 'tickets are left to the sweeper', { error: String(error) });
  }
}

async function sweepPool(deps: Deps, pool: string, due: readonly Entry[]): Promise<number> {
  const waiting = await deps.bus.waiting(poolQueueName(pool), due.length);
  const lost = due.length - waiting.length;
  if (lost <= 0) return 0;
  const named = new Set(waiting.map((messageId) => messageId.split('.')[0]));
  const again = due.filter(({ id }) => !named.has(id)).slice(0, lost);
  const mark = `sweep-${Date.parse(deps.clock.now())}`;
  for (const entry of again) await sendTicket(deps, { ...entry, jobId: entry.id }, mark);
  deps.log('info', 'tickets were sent again', { pool, count: again.length });
  return again.length;
}
