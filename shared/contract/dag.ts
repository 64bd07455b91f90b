/** Jobs that wait for each other, as a graph. */
import { z } from 'zod';
import { DepSchema, FailureReasonSchema, JobIdSchema, StageSchema } from './job.js';

export const DagSchema = z.strictObject({
  /** Each after those that it waits for. */
  jobs: z.array(
    z.strictObject({
      jobId: JobIdSchema,
      title: z.string(),
      stage: StageSchema,
      /** Why it ended badly; `cancelled` is no bad end. */
      failure: z.strictObject({ reason: FailureReasonSchema }).optional(),
      parent: JobIdSchema.optional(),
    }),
  ),
  /** `to` waits until `from` is so far; `met` when it is. A composite waits for its children. */
  edges: z.array(
    z.strictObject({ from: JobIdSchema, to: JobIdSchema, until: DepSchema.shape.until, met: z.boolean() }),
  ),
});
export type Dag = z.infer<typeof DagSchema>;
