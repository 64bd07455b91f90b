import { route } from '../lib/route.js';
import { resume } from '../operations/switches.js';

export const handler = route('resume', ({ deps, caller, input }) => resume(deps, caller, input));
