import { feedFunction } from '../lib/feed.js';
import { dispatchReadyJob } from '../operations/dispatchReadyJob.js';

export const handler = feedFunction('dispatchReadyJobs', dispatchReadyJob);
