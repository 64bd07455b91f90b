/** The smallest change that would place a waiting job, as data and as words. */
import { assertExhaustive } from '../errors.js';
import type { FactoryBlock, Hold } from '../contract/explanation.js';
import { ENGINE_CLASSES } from '../contract/manifest.js';
import { ENGINES_OF_CLASS, engineClassTag } from './engine.js';
import type { BudgetWindow } from '../contract/budget.js';
import { count } from '../contract/count.js';
import { windowName } from './budget.js';
import type { ReadyEntry } from '../contract/fleet.js';

/** One change. Several of them together may be needed. */
export type Remedy =
  | { kind: 'wait'; until: string }
  | { kind: 'release-lock'; key: string; heldBy: string }
  | { kind: 'lift-halt'; scope: string }
  | { kind: 'end-pause'; productId: string }
  | { kind: 'raise-budget'; productId: string; window: BudgetWindow; usd: number }
  | { kind: 'wait-warm'; factoryId: string; until: string }
  | { kind: 'drain-rarer'; pool: string; waiting: number }
  | { kind: 'free-station'; factoryId: string; pool: string }
  | { kind: 'start-factory'; factoryId: string; status: 'draining' | 'offline' }
  | { kind: 'admit-product'; factoryId: string; productId: string }
  | { kind: 'add-capabilities'; factoryId: string; missing: string[] }
  /** No factory that is known could do: another one, with these, in this pool. */
  | { kind: 'enrol-factory'; pool: string; capabilities: string[]; factoryId?: string }
  /** The job names a factory that can never run it: it has to be asked for differently. */
  | { kind: 'change-target'; factoryId: string; missing: string[] };

/** A factory with what keeps it, and not every other one, from the job. */
export interface FactoryBlocks {
  factoryId: string;
  blocks: readonly FactoryBlock[];
}

/** How much each change asks of people, to compare: waiting for a station is nothing, another machine is a lot. */
const EFFORT = {
  warm: 0.5,
  stations: 1,
  reserved: 1,
  status: 2,
  product: 4,
  capability: 8,
  enrol: 24,
} as const;

/** What would lift a block that no particular factory has. */
function liftHold(block: Hold): Remedy {
  switch (block.kind) {
    case 'backoff':
      return { kind: 'wait', until: block.until };
    case 'lock':
      return { kind: 'release-lock', key: block.key, heldBy: block.heldBy };
    case 'switch':
      return { kind: 'lift-halt', scope: block.scope };
    case 'paused':
      return { kind: 'end-pause', productId: block.productId };
    case 'budget': {
      const { productId, window, shortUsd: usd } = block;
      return { kind: 'raise-budget', productId, window, usd };
    }
    default:
      return assertExhaustive(block);
  }
}

/** No command installs another operating system, processor or graphics card: that takes another machine. */
const isOfTheMachine = (requirement: string): boolean => /^(os:|arch:|gpu\b)/.test(requirement);

/** What would make one factory take the job, and how much that asks; undefined when it never will. */
function fit(factory: FactoryBlocks, pool: string): { remedies: Remedy[]; effort: number } | undefined {
  const { factoryId } = factory;
  const remedies: Remedy[] = [];
  let effort = 0;
  for (const block of factory.blocks) {
    switch (block.kind) {
      case 'target':
        return undefined;
      case 'stations':
        remedies.push({ kind: 'free-station', factoryId, pool });
        effort += EFFORT.stations;
        break;
      case 'status':
        remedies.push({ kind: 'start-factory', factoryId, status: block.status });
        effort += EFFORT.status;
        break;
      case 'product':
        remedies.push({ kind: 'admit-product', factoryId, productId: block.productId });
        effort += EFFORT.product;
        break;
      case 'capability':
        if (block.missing.some(isOfTheMachine)) return undefined;
        remedies.push({ kind: 'add-capabilities', factoryId, missing: block.missing });
        effort += EFFORT.capability * block.missing.length;
        break;
      case 'warm':
        remedies.push({ kind: 'wait-warm', factoryId: block.factoryId, until: block.until });
        effort += EFFORT.warm;
        break;
      case 'reserved':
        remedies.push({ kind: 'drain-rarer', pool: block.pool, waiting: block.waiting });
        effort += EFFORT.reserved;
        break;
      default:
        return assertExhaustive(block);
    }
  }
  return { remedies, effort };
}

/**
 * What has to change for the job to be placed: every hold lifted, and the factory for which the least is to be done.
 * Empty when nothing has to.
 * @param holds blocks that hold for every factory
 * @param factories the fleet, each with the blocks of its own
 * @param capabilities what the members of the job's pool must have
 */
export function smallestChange(
  entry: Pick<ReadyEntry, 'pool' | 'requirements' | 'targetFactoryId'>,
  holds: readonly Hold[],
  factories: readonly FactoryBlocks[],
  capabilities: readonly string[],
): Remedy[] {
  const needed = [...new Set([...entry.requirements, ...capabilities])].sort();
  const target = entry.targetFactoryId;
  let best: { remedies: Remedy[]; effort: number } = {
    remedies: [
      {
        kind: 'enrol-factory',
        pool: entry.pool,
        capabilities: needed,
        ...(target !== undefined && { factoryId: target }),
      },
    ],
    effort: EFFORT.enrol,
  };
  const named = factories.find((one) => one.factoryId === target);
  // A factory of that name exists already: another one cannot be enrolled.
  if (named !== undefined) {
    const missing = named.blocks.flatMap((block) => (block.kind === 'capability' ? block.missing : []));
    const impossible = missing.filter(isOfTheMachine);
    if (impossible.length > 0) {
      const { targetFactoryId: _, ...anywhere } = entry;
      const untied = factories.map(({ factoryId, blocks }) => ({
        factoryId,
        blocks: blocks.filter(({ kind }) => kind !== 'target'),
      }));
      return [
        { kind: 'change-target', factoryId: named.factoryId, missing: impossible },
        ...smallestChange(anywhere, holds, untied, capabilities),
      ];
    }
    best = { ...best, effort: Number.POSITIVE_INFINITY };
  }
  for (const factory of factories) {
    const option = fit(factory, entry.pool);
    if (option !== undefined && option.effort < best.effort) best = option;
  }
  return [...holds.map(liftHold), ...best.remedies];
}

/** A class is no program that somebody could install: its engines are. */
function plainly(requirement: string): string {
  const name = ENGINE_CLASSES.find((one) => engineClassTag(one) === requirement);
  return name === undefined
    ? requirement
    : `one of ${ENGINES_OF_CLASS[name].join(', ')} (${requirement}), installed and logged in`;
}

/** The change in words, to go after "it would be placed with …". */
export function describeRemedy(remedy: Remedy): string {
  switch (remedy.kind) {
    case 'wait':
      return `time: its retry may start at ${remedy.until}`;
    case 'release-lock':
      return `${remedy.heldBy} ending, which holds the lock ${remedy.key}`;
    case 'lift-halt':
      return `the halt of ${remedy.scope} lifted (aq halt ${remedy.scope} --lift)`;
    case 'end-pause':
      return `the pause of ${remedy.productId} ended (aq budget resume -p ${remedy.productId})`;
    case 'raise-budget':
      // Upwards: with a cent less it would still wait.
      return `$${(Math.ceil(remedy.usd * 100) / 100).toFixed(2)} more in the ${windowName(remedy.window)} budget of ${remedy.productId}`;
    case 'wait-warm':
      return `time: it is kept for ${remedy.factoryId}, which has the repository, until ${remedy.until}`;
    case 'drain-rarer':
      return `${count(remedy.waiting, 'job')} placed first, waiting in pool ${remedy.pool}`;
    case 'free-station':
      return `a free station in pool ${remedy.pool} (${remedy.factoryId} is the nearest)`;
    case 'start-factory':
      return remedy.status === 'draining'
        ? `${remedy.factoryId} taking work again (aq factories drain ${remedy.factoryId} --undo)`
        : `${remedy.factoryId} back online (start it again on its machine)`;
    case 'admit-product':
      return `${remedy.factoryId} enrolled for the product ${remedy.productId} too`;
    case 'add-capabilities':
      return remedy.missing.every((one) => one.startsWith('pool:'))
        ? `${remedy.factoryId} in ${remedy.missing.join(', ')} (enrol it again: pools are joined then)`
        : `${remedy.missing.map(plainly).join(', and ')} on ${remedy.factoryId} (aq factory probe there tells what it has)`;
    case 'enrol-factory': {
      const named = remedy.factoryId === undefined ? 'a factory' : `a factory named ${remedy.factoryId}`;
      return `${named} with ${remedy.capabilities.join(', ') || 'any capabilities'} in pool ${remedy.pool} (aq enrol tells how to start one)`;
    }
    case 'change-target':
      return `the job submitted anew without targetFactoryId: ${remedy.factoryId}, which can never have ${remedy.missing.join(', ')}`;
    default:
      return assertExhaustive(remedy);
  }
}
