import { route } from '../lib/route.js';
import { verifyAudit } from '../operations/verifyAudit.js';

export const handler = route('verifyAudit', ({ deps, caller, input }) => verifyAudit(deps, caller, input));
