import { route } from '../lib/route.js';
import { getDag } from '../operations/getDag.js';

export const handler = route('getDag', ({ deps, caller, input }) => getDag(deps, caller, input));
