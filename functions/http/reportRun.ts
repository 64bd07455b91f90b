import { route } from '../lib/route.js';
import { reportRun } from '../operations/reportRun.js';

export const handler = route('reportRun', ({ deps, caller, input }) => reportRun(deps, caller, input));
