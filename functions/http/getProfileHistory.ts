import { route } from '../lib/route.js';
import { getProfileHistory } from '../operations/listProfiles.js';

export const handler = route('getProfileHistory', ({ deps, caller, input }) =>
  getProfileHistory(deps, caller, input),
);
