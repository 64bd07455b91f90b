/** How long a job may stay where it is. */
import { z } from 'zod';
import { TimestampSchema } from './job.js';

export const SlaSchema = z.strictObject({
  /** What it waits for: a factory, the end of its run, or a person. */
  phase: z.enum(['start', 'run', 'decide']),
  dueAt: TimestampSchema,
  breached: z.boolean(),
});
export type Sla = z.infer<typeof SlaSchema>;
