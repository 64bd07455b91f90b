/** The factories, kept up to date. */
import { useControl } from '../control.js';
import { usePoll, type Poll } from '../hooks/usePoll.js';
import { sortFactories, type FactorySummary } from '../view/fleet.js';

const POLL_MS = 3000;

export function useFleet(): Poll<FactorySummary[]> {
  const { client } = useControl();
  return usePoll(
    'fleet',
    async (signal) => sortFactories((await client.listFactories({}, { signal })).factories),
    POLL_MS,
  );
}
