import { route } from '../lib/route.js';
import { putBudget } from '../operations/putBudget.js';

export const handler = route('putBudget', ({ deps, caller, input }) => putBudget(deps, caller, input));
