import { feedFunction } from '../lib/feed.js';
import { echoToTracker } from '../operations/echoToTracker.js';

export const handler = feedFunction('echoToTracker', echoToTracker);
