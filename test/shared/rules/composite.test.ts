import { expect, it } from 'vitest';
import type { Stage } from '../../../shared/contract/job.js';
import { familyOf, type Family } from '../../../shared/rules/composite.js';

const childrenIn = (stages: readonly Stage[]) => stages.map((stage, at) => ({ jobId: `job-${at}`, stage }));

it.each<[what: string, stages: Stage[], count: number, family: Family]>([
  ['of whom all shipped', ['shipped', 'shipped'], 2, { ended: true, shipped: 2, failed: [] }],
  ['of whom one is at work', ['shipped', 'building'], 2, { ended: false, shipped: 1, failed: [] }],
  // Children come into being one by one: what is there may have ended before the rest exists.
  ['of whom one is not there yet', ['shipped'], 2, { ended: false, shipped: 1, failed: [] }],
  ['of whom none is there yet', [], 2, { ended: false, shipped: 0, failed: [] }],
  ['of whom one failed', ['failed', 'shipped'], 2, { ended: true, shipped: 1, failed: ['job-0'] }],
  [
    'of whom one is a dead letter',
    ['shipped', 'dead_letter'],
    2,
    { ended: true, shipped: 1, failed: ['job-1'] },
  ],
  ['of whom one waits to be shipped', ['testing', 'shipped'], 2, { ended: false, shipped: 1, failed: [] }],
])('tells of children %s', (_what, stages, count, family) => {
  expect(familyOf(childrenIn(stages), count)).toEqual(family);
});
