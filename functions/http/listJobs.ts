import { route } from '../lib/route.js';
import { listJobs } from '../operations/listJobs.js';

export const handler = route('listJobs', ({ deps, caller, input }) => listJobs(deps, caller, input));
