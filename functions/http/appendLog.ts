import { route } from '../lib/route.js';
import { appendLog } from '../operations/appendLog.js';

export const handler = route('appendLog', ({ deps, caller, input }) => appendLog(deps, caller, input));
