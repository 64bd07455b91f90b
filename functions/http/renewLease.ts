import { route } from '../lib/route.js';
import { renewLease } from '../operations/renewLease.js';

export const handler = route('renewLease', ({ deps, caller, input }) => renewLease(deps, caller, input));
