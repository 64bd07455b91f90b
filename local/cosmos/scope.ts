// Which items a request is about, and where they are.
import { CosmosError, SUBSTATUS, unsupported } from './errors.js';
import type { Item } from './itemSet.js';
import { RING_END, type PartitionKey, type PartitionKeyDefinition } from './partitionKey.js';
import type { PartitionRange } from './range.js';
import type { Source } from './sql/execute.js';
import type { Store } from './store.js';

/** Of a key (or of its first levels), of a physical partition (or a stretch of the ring in it), or all. */
export type ItemScope =
  | { kind: 'key'; key: PartitionKey }
  | { kind: 'range'; id: string; min?: string | undefined; max?: string | undefined }
  | { kind: 'all' };

/** A physical partition. Throws 410/1002 for one that does not exist, as after a split. */
export function rangeById(store: Store, id: string): PartitionRange {
  const range = store.ranges.find((candidate) => candidate.id === id);
  if (!range)
    throw new CosmosError(410, `Partition key range ${id.slice(0, 20)} is gone.`, {
      substatus: SUBSTATUS.partitionKeyRangeGone,
    });
  return range;
}

const isWhole = (
  { min = '', max = RING_END }: { min?: string; max?: string },
  range: PartitionRange,
): boolean => min <= range.min && max >= range.max;

const ends = ({ min, max }: ItemScope & { kind: 'range' }): { min?: string; max?: string } => ({
  ...(min === undefined ? {} : { min }),
  ...(max === undefined ? {} : { max }),
});

/** The sets a query reads, one after the other, and the physical partition it is charged to. */
export function sourcesOf(
  store: Store,
  { paths }: PartitionKeyDefinition,
  scope: ItemScope,
): { sources: Source[]; range: PartitionRange } {
  switch (scope.kind) {
    case 'all':
      return { sources: store.ranges.map(({ set }) => ({ set, pins: [] })), range: store.ranges[0]! };
    case 'range': {
      const range = rangeById(store, scope.id);
      if (!isWhole(ends(scope), range)) throw unsupported('queries over part of a physical partition');
      return { sources: [{ set: range.set, pins: [] }], range };
    }
    case 'key': {
      const { range, set } = store.partition(scope.key);
      if (scope.key.length === paths.length) return { sources: [{ set, pins: [] }], range };
      // All keys with these first levels hash to one stretch of the ring, and so to one physical partition.
      const pins = scope.key.map((value, at) => ({ path: paths[at] ?? [], value }));
      return { sources: [{ set: range.set, pins }], range };
    }
  }
}

/** Whether an item of the scope's physical partition belongs to the scope. */
export function membership(store: Store, scope: ItemScope): (item: Item) => boolean {
  switch (scope.kind) {
    case 'all':
      return () => true;
    case 'key':
      return (item) => scope.key.every((part, at) => part === item.key[at]);
    case 'range': {
      const { min = '', max = RING_END } = scope;
      if (isWhole({ min, max }, rangeById(store, scope.id))) return () => true;
      return (item) => {
        const place = store.partition(item.key).effectiveKey;
        return place >= min && place < max;
      };
    }
  }
}
