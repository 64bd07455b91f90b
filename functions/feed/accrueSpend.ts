import { feedFunction } from '../lib/feed.js';
import { accrueSpend } from '../operations/accrueSpend.js';

export const handler = feedFunction('accrueSpend', accrueSpend);
