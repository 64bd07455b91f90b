import { feedFunction } from '../lib/feed.js';

export const handler = feedFunction('echoToTracker');
