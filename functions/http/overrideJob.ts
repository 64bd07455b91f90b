import { route } from '../lib/route.js';
import { decideGate } from '../operations/decideGate.js';

export const handler = route('overrideJob', ({ deps, caller, input }) =>
  decideGate(deps, caller, input.params.jobId, { kind: 'override', reason: input.body.reason }),
);
