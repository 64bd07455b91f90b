import { feedFunction } from '../lib/feed.js';
import { tendChildren } from '../operations/tendChildren.js';
import { unblockDependents } from '../operations/unblockDependents.js';

export const handler = feedFunction('unblockDependents', async (deps, event) => {
  await unblockDependents(deps, event);
  await tendChildren(deps, event);
});
