import { route } from '../lib/route.js';
import { cancelJob } from '../operations/cancelJob.js';

export const handler = route('cancelJob', ({ deps, caller, input }) => cancelJob(deps, caller, input));
