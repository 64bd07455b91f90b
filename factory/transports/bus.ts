/** Waiting on one pool: tickets from the bus; claims over HTTP while the bus is away. */
import type { Tickets } from '../../shared/cloud/tickets.js';
import { poolQueueName } from '../../shared/topology.js';
import { reasonOf, type Logger } from '../log.js';
import { machinePace, type Pace } from '../pace.js';
import type { Stations } from '../stations.js';
import { Backoff } from './backoff.js';
import { NoFreeStation, type Claims } from './claims.js';

export interface PoolWait {
  readonly pool: string;
  readonly tickets: Pick<Tickets, 'next'>;
  readonly claims: Pick<Claims, 'claim'>;
  readonly stations: Stations;
  readonly logger: Logger;
  readonly pace?: Pace;
}

/**
 * Waits for tickets of a pool and claims for each, until the signal is aborted. A ticket whose claim fails goes back
 * to its queue; with every station taken nothing is accepted. Never throws.
 */
export async function waitOnPool(
  { pool, tickets, claims, stations, logger, pace = machinePace }: PoolWait,
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff(() => pace.random());
  let away = false;
  while (!signal.aborted) {
    await stations.whenFree(signal);
    let claimFailure: unknown;
    try {
      const rang = await tickets.next(
        poolQueueName(pool),
        async ({ lane }) => {
          await claims.claim(pool, lane).catch((error: unknown) => {
            claimFailure = error;
            throw error;
          });
        },
        signal,
      );
      if (rang && away) logger.info('the bus is back', { pool });
      if (rang) away = false;
      backoff.reset();
      continue;
    } catch (error) {
      if (signal.aborted) return;
      if (claimFailure instanceof NoFreeStation) continue;
      if (claimFailure === undefined) {
        if (!away) logger.warn('the bus is away: claiming over HTTP', { pool, why: reasonOf(error) });
        away = true;
        claimFailure = await pull(claims, pool);
      }
      if (claimFailure !== undefined) {
        logger.warn('the control plane does not answer a claim', { pool, why: reasonOf(claimFailure) });
      }
    }
    await pace.pause(backoff.next(), signal);
  }
}

/** What went wrong; undefined when the control plane answered. */
const pull = async (claims: Pick<Claims, 'claim'>, pool: string): Promise<unknown> => {
  try {
    await claims.claim(pool);
    return undefined;
  } catch (error) {
    return error instanceof NoFreeStation ? undefined : error;
  }
};
