// The documents that queries are asked about, here and in test/local/cosmos/query.test.ts.
import type { ContainerDefinition } from '@azure/cosmos';

export const PARTITIONS = ['red', 'green', 'blue', 'white', 'black'];
export const COUNT = 60;

export interface Doc {
  id: string;
  pk: string;
  n: number;
  half?: number;
  tags: string[];
  inner: { deep: { x: number } };
  nothing: null;
}

export const docs: Doc[] = Array.from({ length: COUNT }, (_, n) => ({
  id: `d${n}`,
  pk: PARTITIONS[n % 5]!,
  n: (n * 7) % COUNT,
  tags: [`t${n % 3}`, 'all'],
  inner: { deep: { x: n } },
  nothing: null,
  ...(n % 2 === 0 ? { half: n / 2 } : {}),
}));

/** A composite index for one ORDER BY of two paths; everything below /inner is not indexed. */
export const indexed: Omit<ContainerDefinition, 'id'> = {
  indexingPolicy: {
    includedPaths: [{ path: '/*' }],
    excludedPaths: [{ path: '/inner/*' }],
    compositeIndexes: [
      [
        { path: '/pk', order: 'ascending' },
        { path: '/n', order: 'descending' },
      ],
    ],
  },
};
