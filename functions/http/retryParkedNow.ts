import { retryParkedNow } from '../operations/retryParked.js';
import { route } from '../lib/route.js';

export const handler = route('retryParkedNow', ({ deps, caller, input }) =>
  retryParkedNow(deps, caller, input),
);
