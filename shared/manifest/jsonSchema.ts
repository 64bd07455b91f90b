/** The manifest's JSON Schema, for editors and other programs: the fields as people write them. */
import { z } from 'zod';
import { ManifestSchema } from '../contract/manifest.js';
import { PlanSchema } from '../contract/children.js';
import { EXPECTED } from './fields.js';

/** Draft 2020-12. Checks that reach over several fields are the reader's (shared/manifest.ts). */
export function manifestJsonSchema(): Record<string, unknown> {
  const { properties = {}, ...schema } = z.toJSONSchema(ManifestSchema, { io: 'input' });
  const hints: Readonly<Record<string, string>> = EXPECTED;
  return {
    ...schema,
    title: 'gigafactory job manifest',
    properties: Object.fromEntries(
      Object.entries(properties).map(([name, property]) => [
        name,
        typeof property === 'object' && hints[name] !== undefined
          ? { ...property, description: hints[name] }
          : property,
      ]),
    ),
  };
}

/** A plan's: what a planner writes, and what is posted to a composite. Each manifest in it fits the manifest's schema. */
export const planJsonSchema = (): Record<string, unknown> => ({
  ...z.toJSONSchema(PlanSchema, { io: 'input' }),
  title: 'gigafactory plan',
});
