import { route } from '../lib/route.js';
import { requeueJob } from '../operations/requeueJob.js';

export const handler = route('requeueJob', ({ deps, caller, input }) => requeueJob(deps, caller, input));
