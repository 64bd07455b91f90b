import { route } from '../lib/route.js';
import { decideGate } from '../operations/decideGate.js';

export const handler = route('shipJob', ({ deps, caller, input }) =>
  decideGate(deps, caller, input.params.jobId, { kind: 'ship' }),
);
