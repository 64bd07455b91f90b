/**
 * Messages on the bus. Each payload stands under one key of the body: the Functions host lets top-level properties
 * of a JSON body overwrite its own metadata.
 */
import { z } from 'zod';
import { EventBodySchema, JobEventSchema } from './event.js';
import { JobIdSchema, ProductIdSchema, TrackerItemSchema } from './job.js';

/** In a pool's queue: this lane has one more ready job. A doorbell; the job is named for tracing only. */
export const TicketSchema = z.strictObject({
  ticket: z.strictObject({
    pool: z.string(),
    lane: z.string(),
    jobId: JobIdSchema,
    epoch: z.number().int().nonnegative(),
  }),
});
export type Ticket = z.infer<typeof TicketSchema>;

/** In tracker-inbox: a webhook whose signature was checked. */
export const TrackerDeliverySchema = z.strictObject({
  delivery: z.strictObject({
    tracker: z.literal('github'),
    productId: ProductIdSchema,
    deliveryId: z.string(),
    event: z.string(),
    payload: z.unknown(),
    /** How often it was tried; decides the back-off. */
    attempt: z.number().int().nonnegative(),
  }),
});
export type TrackerDelivery = z.infer<typeof TrackerDeliverySchema>;

/** In tracker-outbox, one session an item: tell the item what happened. */
export const TrackerPostSchema = z.strictObject({
  post: z.strictObject({
    productId: ProductIdSchema,
    item: TrackerItemSchema,
    event: JobEventSchema.pick({ jobId: true, seq: true, at: true, stage: true }).extend({
      body: EventBodySchema,
    }),
    /** How often it was tried; decides the back-off. */
    attempt: z.number().int().nonnegative(),
  }),
});
export type TrackerPost = z.infer<typeof TrackerPostSchema>;
