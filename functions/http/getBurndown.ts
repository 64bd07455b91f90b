import { route } from '../lib/route.js';
import { getBurndown } from '../operations/getBurndown.js';

export const handler = route('getBurndown', ({ deps, caller, input }) => getBurndown(deps, caller, input));
