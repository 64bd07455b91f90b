import { route } from '../lib/route.js';
import { rotateToken } from '../operations/factoryTokens.js';

export const handler = route('rotateToken', ({ deps, caller }) => rotateToken(deps, caller));
