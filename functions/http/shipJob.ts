import { route } from '../lib/route.js';
import { shipJob } from '../operations/shipJob.js';

export const handler = route('shipJob', ({ deps, caller, input }) => shipJob(deps, caller, input));
