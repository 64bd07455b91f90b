import { route } from '../lib/route.js';
import { getHealth } from '../operations/getHealth.js';

export const handler = route(
  'getHealth',
  ({ deps }) => getHealth(deps),
  ({ status }) => (status === 'ok' ? 200 : 503),
);
