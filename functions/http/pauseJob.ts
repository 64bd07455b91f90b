import { route } from '../lib/route.js';
import { decideGate } from '../operations/decideGate.js';

export const handler = route('pauseJob', ({ deps, caller, input }) =>
  decideGate(deps, caller, input.params.jobId, { kind: 'pause', reason: input.body.reason }),
);
