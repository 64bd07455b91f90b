import { route } from '../lib/route.js';
import { decideGate } from '../operations/decideGate.js';

export const handler = route('cancelJob', ({ deps, caller, input }) =>
  decideGate(deps, caller, input.params.jobId, { kind: 'cancel', reason: input.body.reason }),
);
