import { route } from '../lib/route.js';
import { getArtifact } from '../operations/getArtifact.js';

export const handler = route('getArtifact', ({ deps, caller, input }) => getArtifact(deps, caller, input));
