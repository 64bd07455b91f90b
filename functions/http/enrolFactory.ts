import { route } from '../lib/route.js';
import { enrolFactory } from '../operations/enrolFactory.js';

export const handler = route('enrolFactory', ({ deps, caller, input }) => enrolFactory(deps, caller, input));
