import { route } from '../lib/route.js';
import { revokeFactory } from '../operations/factoryTokens.js';

export const handler = route('revokeFactory', ({ deps, caller, input }) =>
  revokeFactory(deps, caller, input),
);
