/** What a factory did from its folder while the control plane was away, as it hands it over: one job at a time. */
import { z } from 'zod';
import { HandOverOutcomeSchema, JobEventSchema } from './event.js';
import { JobSchema, RunSchema } from './job.js';
import { JobViewSchema } from './view.js';

/** Runs and events together: the job with them is one batch of Cosmos DB, which takes 100 operations. */
export const MAX_HANDED_OVER = 96;

export const HandOverSchema = z
  .strictObject({
    /** What the job's id derives from: the manifest's idempotency key, or the name of its file. */
    key: z.string().min(1).max(200),
    /** Nobody holds it. */
    job: JobSchema,
    runs: z.array(RunSchema),
    /** The whole chain, the first event first. */
    events: z.array(JobEventSchema).min(1),
  })
  .refine(({ runs, events }) => runs.length + events.length <= MAX_HANDED_OVER, {
    message: `expected at most ${MAX_HANDED_OVER} runs and events together; submit such a job anew`,
  });
export type HandOver = z.infer<typeof HandOverSchema>;

/** The job as it is now; the same record again gets the same outcome and changes nothing. */
export const HandedOverSchema = z.strictObject({ outcome: HandOverOutcomeSchema, job: JobViewSchema });
export type HandedOver = z.infer<typeof HandedOverSchema>;
