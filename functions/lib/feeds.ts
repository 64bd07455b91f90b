import { accrueSpend } from '../operations/accrueSpend.js';
import { dispatchReadyJob } from '../operations/dispatchReadyJob.js';
import { echoToTracker } from '../operations/echoToTracker.js';
import { tendChildren } from '../operations/tendChildren.js';
import { unblockDependents } from '../operations/unblockDependents.js';
import type { FeedOperation } from './feedBatch.js';

/** What reacts to the events of jobs, by the name of its function: for the triggers, and for what they parked. */
export const FEEDS = {
  accrueSpend,
  dispatchReadyJobs: dispatchReadyJob,
  echoToTracker,
  unblockDependents: async (deps, event) => {
    await unblockDependents(deps, event);
    await tendChildren(deps, event);
  },
} as const satisfies Record<string, FeedOperation>;

export type FeedName = keyof typeof FEEDS;
