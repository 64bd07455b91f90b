import { route } from '../lib/route.js';
import { getBudget } from '../operations/getBudget.js';

export const handler = route('getBudget', ({ deps, caller, input }) => getBudget(deps, caller, input));
