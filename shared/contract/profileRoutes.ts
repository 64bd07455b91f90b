/** Routes of profiles. Part of the table in routes.ts. */
import { z } from 'zod';
import { ProductIdSchema } from './job.js';
import { ProfileNameSchema, ProfileSnapshotSchema, PutProfileSchema } from './profile.js';
import type { RouteSpec } from './routes.js';
import { ProfileViewSchema } from './view.js';

const JSON_BYTES = 256 * 1024;

/** `fleet` for the catalogue, or a product that has profiles of its own. */
const owner = z.object({ owner: ProductIdSchema });
const ProfileListSchema = z.strictObject({ profiles: z.array(ProfileViewSchema) });
const one = owner.extend({ name: ProfileNameSchema });

export const PROFILE_ROUTES = {
  listProfiles: {
    method: 'GET',
    path: 'fleet/profiles/{owner}',
    access: ['viewer'],
    params: owner,
    result: ProfileListSchema,
    summary:
      'The profiles that a product may use: its own, and those of the catalogue that it has no own one for.',
  },
  getProfileHistory: {
    method: 'GET',
    path: 'fleet/profiles/{owner}/{name}',
    access: ['viewer'],
    params: one,
    result: ProfileListSchema,
    summary: 'Every version of a profile, the newest first: who changed what, when and why.',
  },
  getProfileForRun: {
    method: 'GET',
    path: 'fleet/products/{productId}/profiles/{name}',
    access: ['factory'],
    params: z.object({ productId: ProductIdSchema, name: ProfileNameSchema }),
    result: ProfileSnapshotSchema,
    summary: "The newest version of a profile that a repository's settings name for jobs without one.",
  },
  putProfile: {
    method: 'PUT',
    path: 'fleet/profiles/{owner}/{name}',
    access: ['editor'],
    params: one,
    body: PutProfileSchema,
    maxBytes: JSON_BYTES,
    result: ProfileViewSchema,
    summary: 'A new version of a profile; jobs in flight keep the one that they were assigned with.',
  },
} as const satisfies Record<string, RouteSpec>;
