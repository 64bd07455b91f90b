import { openApi } from '../../shared/openapi.js';
import { route } from '../lib/route.js';
import { packageVersion } from '../lib/version.js';

export const handler = route('getOpenApi', () => Promise.resolve(openApi(packageVersion())));
