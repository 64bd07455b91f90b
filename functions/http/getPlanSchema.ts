import { planJsonSchema } from '../../shared/manifest/jsonSchema.js';
import { route } from '../lib/route.js';

export const handler = route('getPlanSchema', () => Promise.resolve(planJsonSchema()));
