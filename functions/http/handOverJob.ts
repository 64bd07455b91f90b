import { route } from '../lib/route.js';
import { handOverJob } from '../operations/handOverJob.js';

export const handler = route('handOverJob', ({ deps, caller, input }) => handOverJob(deps, caller, input));
