import { route } from '../lib/route.js';
import { listSwitches } from '../operations/switches.js';

export const handler = route('listSwitches', ({ deps, caller }) => listSwitches(deps, caller));
