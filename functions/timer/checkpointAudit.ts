import { timerFunction } from '../lib/timer.js';
import { checkpointAudit } from '../operations/checkpointAudit.js';

/** Every minute: what came since is covered by the hash chain alone. */
export const handler = timerFunction('checkpointAudit', '0 * * * * *', async (deps) => {
  await checkpointAudit(deps);
});
