import { route } from '../lib/route.js';
import { decideGate } from '../operations/decideGate.js';

export const handler = route('rejectJob', ({ deps, caller, input }) =>
  decideGate(deps, caller, input.params.jobId, { kind: 'reject', reason: input.body.reason }),
);
