import type { JobEvent } from '../../shared/contract/event.js';
import { accrueSpend } from './accrueSpend.js';
import type { Deps } from './deps.js';
import { dispatchReadyJob } from './dispatchReadyJob.js';
import { echoToTracker } from './echoToTracker.js';
import { tendChildren } from './tendChildren.js';
import { unblockDependents } from './unblockDependents.js';

export type FeedOperation = (deps: Deps, event: JobEvent) => Promise<void>;

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
