import { route } from '../lib/route.js';
import { putProfile } from '../operations/putProfile.js';

export const handler = route('putProfile', ({ deps, caller, input }) => putProfile(deps, caller, input));
