import { route } from '../lib/route.js';
import { createEnrolment } from '../operations/createEnrolment.js';

export const handler = route('createEnrolment', ({ deps, caller, input }) =>
  createEnrolment(deps, caller, input),
);
