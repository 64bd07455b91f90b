import { manifestJsonSchema } from '../../shared/manifest/jsonSchema.js';
import { route } from '../lib/route.js';

export const handler = route('getManifestSchema', () => Promise.resolve(manifestJsonSchema()));
