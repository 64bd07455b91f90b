/** One look over the ready jobs for one factory: who could be chosen, and what keeps the others. */
import type { Block } from '../contract/explanation.js';
import type { ReadyEntry } from '../contract/fleet.js';
import { filtersOf, holdsOf, lockBlock, serves, shortBlocks, switchBlocks, warmBlock } from './blocks.js';
import type { FactoryView, SchedulingContext } from './blocks.js';
import type { Asker } from './ranking.js';
import type { Ability, Group, ReadyIndex, Shelf } from './readyIndex.js';

/** How many jobs of a decision are stored with it (AssignmentSchema). */
export const MAX_CONSIDERED = 10;

/** Open shelves of a product, and what it has had of the fleet. */
export interface OpenGroup {
  readonly productId: string;
  readonly share: number;
  readonly shelves: readonly Shelf[];
}

export interface Survey {
  readonly groups: readonly OpenGroup[];
  /** How many jobs stand on the open shelves. */
  readonly open: number;
  /** Jobs that are kept, as a sample: the first ones of every kind of reason. */
  readonly kept: Kept;
}

/** Collects jobs that are kept: a few of each kind, so that an explanation has every kind in it. */
export class Kept {
  private readonly byKind = new Map<Block['kind'], ReadyEntry[]>();

  note(kind: Block['kind'], entry: ReadyEntry | undefined): void {
    if (entry === undefined) return;
    const known = this.byKind.get(kind);
    if (known === undefined) this.byKind.set(kind, [entry]);
    else if (known.length < MAX_CONSIDERED && !known.includes(entry)) known.push(entry);
  }

  of(kind: Block['kind']): readonly ReadyEntry[] {
    return this.byKind.get(kind) ?? [];
  }

  /** At most so many: the first of each kind, then the others. */
  entries(count: number): ReadyEntry[] {
    const lists = [...this.byKind.values()];
    const found = lists.flatMap((list) => list.slice(0, 1));
    for (const list of lists) if (found.length < count) found.push(...list.slice(1));
    return found.slice(0, count);
  }

  get kinds(): number {
    return this.byKind.size;
  }
}

/**
 * Looks at every shelf once.
 * @param context with what was chosen in this claim already
 */
export function surveyOf(
  index: ReadyIndex,
  factory: FactoryView,
  ability: Ability,
  context: SchedulingContext,
): Survey {
  const groups: OpenGroup[] = [];
  const kept = new Kept();
  let open = 0;
  for (const lane of index.lanes.values()) {
    const able = ability.lacks(lane).length === 0;
    for (const group of lane.groups.values()) {
      const { productId } = group.sample;
      const why = able ? groupBlock(group, factory, context) : 'capability';
      if (why !== undefined) {
        for (const shelf of group.shelves.values()) kept.note(why, shelf.queue.at(0)?.entry);
        continue;
      }
      const shelves: Shelf[] = [];
      for (const shelf of group.shelves.values()) {
        const kind = shelfBlock(shelf, factory, context);
        if (kind !== undefined) {
          kept.note(kind, shelf.queue.at(0)?.entry);
          continue;
        }
        shelves.push(shelf);
        open += shelf.queue.size;
      }
      if (shelves.length === 0) continue;
      groups.push({ productId, share: context.shareByProduct.get(productId) ?? 0, shelves });
    }
  }
  for (let place = 0; place < MAX_CONSIDERED; place++) kept.note('backoff', index.later.at(place)?.entry);
  return { groups, open, kept };
}

function groupBlock(
  group: Group,
  factory: FactoryView,
  context: SchedulingContext,
): Block['kind'] | undefined {
  if (!serves(factory, group.sample.productId)) return 'product';
  return switchBlocks(group.sample, context)[0]?.kind;
}

function shelfBlock(
  { sample }: Shelf,
  factory: FactoryView,
  context: SchedulingContext,
): Block['kind'] | undefined {
  if (sample.targetFactoryId !== undefined && sample.targetFactoryId !== factory.id) return 'target';
  // Whoever holds the lock is in flight: no job on the shelf waits for itself.
  return (lockBlock(sample, context.locks) ?? shortBlocks(sample, context)[0])?.kind;
}

/** Everything that keeps a job from the factory that asks. */
export function blocksOf(entry: ReadyEntry, asker: Asker, context: SchedulingContext): Block[] {
  const { factory, ability, warm, now } = asker;
  const blocks = filtersOf(entry, factory, (requirements) => [
    ...ability.lacks({ lane: entry.lane, requirements }),
  ]);
  const kept = warmBlock(entry, warm, context, now);
  return [...blocks, ...holdsOf(entry, context, now), ...(kept === undefined ? [] : [kept])];
}
