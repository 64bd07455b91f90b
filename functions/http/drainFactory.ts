import { route } from '../lib/route.js';
import { drainFactory } from '../operations/drainFactory.js';

export const handler = route('drainFactory', ({ deps, caller, input }) => drainFactory(deps, caller, input));
