import { route } from '../lib/route.js';
import { listFactories } from '../operations/listFactories.js';

export const handler = route('listFactories', ({ deps, caller }) => listFactories(deps, caller));
