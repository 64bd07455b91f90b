import { route } from '../lib/route.js';
import { putArtifact } from '../operations/putArtifact.js';

export const handler = route('putArtifact', ({ deps, caller, input }) => putArtifact(deps, caller, input));
