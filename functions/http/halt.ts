import { route } from '../lib/route.js';
import { halt } from '../operations/switches.js';

export const handler = route('halt', ({ deps, caller, input }) => halt(deps, caller, input));
