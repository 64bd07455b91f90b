import { route } from '../lib/route.js';
import { listProfiles } from '../operations/listProfiles.js';

export const handler = route('listProfiles', ({ deps, caller, input }) => listProfiles(deps, caller, input));
