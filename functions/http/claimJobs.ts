import { route } from '../lib/route.js';
import { claimJobs } from '../operations/claimJobs.js';

export const handler = route('claimJobs', ({ deps, caller, input }) => claimJobs(deps, caller, input));
