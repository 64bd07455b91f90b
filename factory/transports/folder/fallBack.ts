/** A folder that stands in for the control plane while that is away. */
import { AppError } from '../../../shared/errors.js';
import type { Fleet } from '../../coordinator.js';
import { reasonOf, type Logger } from '../../log.js';
import { pause } from '../../pause.js';
import type { Stations } from '../../stations.js';
import { NoFreeStation, type Claims } from '../claims.js';
import { FOLDER_POOL } from './queue.js';

/** How often the control plane is asked whether it is there (ms). */
const ASK_MS = 2000;
/** It is away after so many questions without an answer, one after the other: a restart is no outage. */
const MISSES = 3;

export interface FallBackSpec {
  readonly isThere: () => Promise<boolean>;
  /** Returns how many jobs the control plane answered for. */
  readonly handOver: () => Promise<number>;
  /** Of the folder. */
  readonly claims: Pick<Claims, 'claim'>;
  readonly stations: Stations;
  readonly logger: Logger;
  readonly askMs?: number;
}

/** Works the folder while the control plane is away, and hands over while it is there; until the signal. Never throws. */
export async function fallBack(spec: FallBackSpec, signal: AbortSignal): Promise<void> {
  const { isThere, handOver, claims, stations, logger, askMs = ASK_MS } = spec;
  let misses = 0;
  let told = '';
  while (!signal.aborted) {
    misses = (await isThere()) ? 0 : misses + 1;
    if (signal.aborted) return;
    try {
      if (misses === 0) {
        await handOver();
        if (told !== '') logger.info('the control plane is back: what was done in the folder is handed over');
        told = '';
      } else if (misses >= MISSES) {
        if (told === '') logger.warn('the control plane is away: working on the folder');
        told = 'away';
        if (stations.free > 0) await claims.claim(FOLDER_POOL);
      }
    } catch (error) {
      const why = reasonOf(error);
      if (!(error instanceof NoFreeStation) && why !== told) {
        logger.warn('the folder is not in line with the control plane yet', { why });
        told = why;
      }
    }
    await pause(askMs, signal);
  }
}

/** Does the control plane answer, whatever it says? */
export async function answers(fleet: Pick<Fleet, 'getHealth'>): Promise<boolean> {
  try {
    await fleet.getHealth();
    return true;
  } catch (error) {
    return error instanceof AppError && error.code !== 'unavailable';
  }
}
