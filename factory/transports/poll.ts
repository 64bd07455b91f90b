/** Waiting without a bus: claims at intervals, over HTTP or in a folder. */
import { reasonOf, type Logger } from '../log.js';
import { pause } from '../pause.js';
import type { Stations } from '../stations.js';
import { Backoff } from './backoff.js';
import { NoFreeStation, type Claims } from './claims.js';

export interface PollSpec {
  readonly pool: string;
  readonly claims: Pick<Claims, 'claim'>;
  readonly stations: Stations;
  readonly logger: Logger;
  /** Between two looks that found nothing (ms); absent: it doubles up to a quarter of a minute, as a fleet should. */
  readonly everyMs?: number;
  /** Called before each claim, for who only looks on. */
  readonly before?: () => Promise<void>;
}

/** Claims whenever a station is free, until the signal is aborted. Never throws. */
export async function pollPool(spec: PollSpec, signal: AbortSignal): Promise<void> {
  const { pool, claims, stations, logger, everyMs, before } = spec;
  const backoff = new Backoff();
  let away = false;
  while (!signal.aborted) {
    await stations.whenFree(signal);
    if (signal.aborted) return;
    let got = 0;
    try {
      await before?.();
      got = await claims.claim(pool);
      if (away) logger.info('the control plane is back', { pool });
      away = false;
    } catch (error) {
      if (error instanceof NoFreeStation) continue;
      if (!away) logger.warn('the control plane does not answer a claim', { pool, why: reasonOf(error) });
      away = true;
    }
    if (got > 0) backoff.reset();
    else await pause(away ? backoff.next() : (everyMs ?? backoff.next()), signal);
  }
}
