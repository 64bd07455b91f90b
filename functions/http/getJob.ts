import { route } from '../lib/route.js';
import { getJob } from '../operations/getJob.js';

export const handler = route('getJob', ({ deps, caller, input }) => getJob(deps, caller, input));
