import { route } from '../lib/route.js';
import { decideGate } from '../operations/decideGate.js';

export const handler = route('holdJob', ({ deps, caller, input }) =>
  decideGate(deps, caller, input.params.jobId, { kind: 'hold', reason: input.body.reason }),
);
