/** A job that no pool takes: no waiting helps, the list of pools has to change. */
import type { Explanation } from '../contract/explanation.js';
import type { Factory } from '../contract/fleet.js';
import type { Job } from '../contract/job.js';
import { missing } from './capabilities.js';

const TOPOLOGY = 'shared/topology.json';

/** What keeps it from every pool, and what it takes: the factory, and the pool that it would join. */
export function unroutable(
  { requirements }: Pick<Job, 'requirements'>,
  considered: Explanation['pools'],
  factories: readonly Factory[],
): Pick<Explanation, 'state' | 'summary' | 'wouldPlace'> {
  const systems = requirements.filter((one) => one.startsWith('os:'));
  if (systems.length > 1)
    return {
      state: 'unroutable',
      summary: `No machine has ${systems.join(' and ')} at the same time.`,
      wouldPlace: `the job submitted anew with one of ${systems.join(', ')}, or os:any`,
    };
  const [nearest] = considered.toSorted((one, other) => one.missing.length - other.missing.length);
  const nowhere = requirements.filter((one) => considered.every((pool) => pool.missing.includes(one)));
  const wanted = nowhere.length > 0 ? nowhere : requirements;
  const able = factories.find(({ advertises }) => missing(requirements, advertises).length === 0);
  const pool =
    nearest === undefined || nearest.missing.length === requirements.length
      ? `a pool with ${requirements.join(', ')}`
      : `a pool like ${nearest.pool} with ${nearest.missing.join(', ')}`;
  const factory =
    able === undefined
      ? 'start one on a machine that has it (aq enrol; aq factory probe there tells what it has)'
      : `enrol ${able.id} again, which has it (aq enrol: pools are joined then)`;
  return {
    state: 'unroutable',
    summary: `${nobodyHas(nowhere, requirements)}${nearestOf(nearest, nowhere)}`,
    wouldPlace: `a factory with ${wanted.join(', ')}, in a pool for it: declare ${pool} in ${TOPOLOGY}, then ${factory}`,
  };
}

const nobodyHas = (nowhere: readonly string[], requirements: readonly string[]): string =>
  nowhere.length > 0
    ? `No pool has ${nowhere.join(', ')}.`
    : `No pool has ${requirements.join(', ')} together.`;

function nearestOf(nearest: Explanation['pools'][number] | undefined, nowhere: readonly string[]): string {
  if (nearest === undefined) return '';
  const rest = nearest.missing.filter((one) => !nowhere.includes(one));
  return rest.length === 0
    ? ` The nearest, ${nearest.pool}, has all else.`
    : ` The nearest, ${nearest.pool}, lacks ${nearest.missing.join(', ')}.`;
}
