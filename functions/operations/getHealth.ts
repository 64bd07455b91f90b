import type { RouteResult } from '../../shared/contract/routeTypes.js';
import { TRACKER_INBOX } from '../../shared/topology.js';
import { LOGS } from './appendLog.js';
import type { Deps } from './deps.js';
import { countParked } from './park.js';

/** Longer than any part takes when it is well; a probe that waits longer than this is of no use. */
const PROBE_MS = 3000;

/** Asks every part for something small. Anybody may call it, so it tells of an error no more than its name. */
export async function getHealth(deps: Deps): Promise<RouteResult<'getHealth'>> {
  let parked: number | undefined;
  const parts = await Promise.all([
    probe(deps, 'cosmos', async () => {
      parked = await countParked(deps);
    }),
    probe(deps, 'service-bus', () => deps.bus.waiting(TRACKER_INBOX, 1)),
    probe(deps, 'blobs', () => deps.blobs.log(LOGS, 'health')),
  ]);
  return {
    status: parts.every((part) => part.ok) ? 'ok' : 'degraded',
    version: deps.settings.version,
    parts,
    ...(parked === undefined ? {} : { parked }),
  };
}

async function probe(
  deps: Deps,
  part: string,
  ask: () => Promise<unknown>,
): Promise<RouteResult<'getHealth'>['parts'][number]> {
  const started = performance.now();
  const over = new AbortController();
  const failure = await Promise.race([
    ask().then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.name : 'Error'),
    ),
    deps.clock.sleep(PROBE_MS, over.signal).then(() => `no answer in ${PROBE_MS} ms`),
  ]);
  over.abort();
  const ms = Math.round(performance.now() - started);
  return failure === undefined ? { part, ok: true, ms } : { part, ok: false, ms, error: failure };
}
