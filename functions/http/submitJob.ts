import { route } from '../lib/route.js';
import { submitJob } from '../operations/submitJob.js';

export const handler = route(
  'submitJob',
  ({ deps, caller, input }) => submitJob(deps, caller, input),
  ({ created }) => (created ? 201 : 200),
);
