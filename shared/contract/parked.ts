/** Documents that a function could not work on and put aside: what they are, why, and when they are tried again. */
import { z } from 'zod';
import { ProductIdSchema, TimestampSchema } from './job.js';
import type { RouteSpec } from './routes.js';

const JSON_BYTES = 16 * 1024;

export const ParkedViewSchema = z.strictObject({
  id: z.string(),
  productId: ProductIdSchema,
  /** The function that could not work on it. */
  by: z.string(),
  /** `<job>:event:<sequence>` for an event of the feed, `<job>:<sequence>` for a comment, or a delivery's id. */
  about: z.string(),
  /** The first line of the last error. */
  error: z.string(),
  /** When it was put aside. */
  at: TimestampSchema,
  /** Tried again by itself from then on; absent where only a person can help. */
  retryAt: TimestampSchema.optional(),
  /** How often it was tried again. */
  retries: z.number().int().nonnegative(),
});
export type ParkedView = z.infer<typeof ParkedViewSchema>;

export const PARKED_ROUTES = {
  listParked: {
    method: 'GET',
    path: 'fleet/parked',
    access: ['viewer'],
    query: z.strictObject({ limit: z.coerce.number().int().min(1).max(1000).default(100) }),
    result: z.strictObject({
      parked: z.array(ParkedViewSchema),
      /** Of all that the caller may see, also those that are left out here. */
      total: z.number().int().nonnegative(),
    }),
    summary: 'What was put aside because a function could not work on it: the oldest first.',
  },
  retryParkedNow: {
    method: 'POST',
    path: 'fleet/parked/retry',
    access: ['operator'],
    body: z.strictObject({
      /** As listed; left out, everything that the caller operates. */
      id: z.string().optional(),
    }),
    maxBytes: JSON_BYTES,
    result: z.strictObject({
      /** Ids of what went through and is parked no more. */
      done: z.array(z.string()),
      /** What failed again. */
      parked: z.array(ParkedViewSchema),
    }),
    summary: 'Try parked documents again now, whatever their pause.',
  },
} as const satisfies Record<string, RouteSpec>;
