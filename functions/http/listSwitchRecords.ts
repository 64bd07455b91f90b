import { route } from '../lib/route.js';
import { listSwitchRecords } from '../operations/switches.js';

export const handler = route('listSwitchRecords', ({ deps, caller, input }) =>
  listSwitchRecords(deps, caller, input),
);
