import { route } from '../lib/route.js';
import { explainJob } from '../operations/explainJob.js';

export const handler = route('explainJob', ({ deps, caller, input }) => explainJob(deps, caller, input));
