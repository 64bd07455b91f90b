import { route } from '../lib/route.js';
import { leaveFleet } from '../operations/leaveFleet.js';

export const handler = route('leaveFleet', ({ deps, caller }) => leaveFleet(deps, caller));
