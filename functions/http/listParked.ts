import { route } from '../lib/route.js';
import { listParked } from '../operations/listParked.js';

export const handler = route('listParked', ({ deps, caller, input }) => listParked(deps, caller, input));
