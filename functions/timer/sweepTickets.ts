import { timerFunction } from '../lib/timer.js';
import { preempt } from '../operations/preempt.js';
import { reapOrphans } from '../operations/reapLeases.js';
import { rerouteRecent } from '../operations/rerouteWaiting.js';
import { sweepComposites } from '../operations/tendChildren.js';
import { sweepTickets } from '../operations/sweepTickets.js';

/** What got lost between two writes: tickets without a factory that heard them, claims without a lease. And room for critical work. */
export const handler = timerFunction('sweepTickets', '*/30 * * * * *', async (deps) => {
  await sweepTickets(deps);
  await reapOrphans(deps);
  await sweepComposites(deps);
  await rerouteRecent(deps);
  await preempt(deps);
});
