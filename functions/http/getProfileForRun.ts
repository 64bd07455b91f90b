import { route } from '../lib/route.js';
import { getProfileForRun } from '../operations/getProfileForRun.js';

export const handler = route('getProfileForRun', ({ deps, caller, input }) =>
  getProfileForRun(deps, caller, input),
);
