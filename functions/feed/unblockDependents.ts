import { feedFunction } from '../lib/feed.js';
import { unblockDependents } from '../operations/unblockDependents.js';

export const handler = feedFunction('unblockDependents', unblockDependents);
