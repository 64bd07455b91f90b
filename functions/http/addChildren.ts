import { route } from '../lib/route.js';
import { addChildren } from '../operations/addChildren.js';

export const handler = route('addChildren', ({ deps, caller, input }) => addChildren(deps, caller, input));
