/** Kill switches: what they stop, who set them and why. One document for the whole fleet, so one read tells all. */
import { z } from 'zod';
import { ActorSchema, TimestampSchema } from './job.js';

/** Everything, one pool, or one product. */
export const ScopeSchema = z
  .string()
  .regex(
    /^(fleet|pool:[a-z][a-z0-9-]*|product:[a-z][a-z0-9-]{1,40})$/,
    'expected fleet, pool:<name> or product:<id>',
  );

export const SwitchSchema = z.strictObject({
  scope: ScopeSchema,
  reason: z.string(),
  since: TimestampSchema,
  by: ActorSchema,
});
export type Switch = z.infer<typeof SwitchSchema>;

export const SwitchesSchema = z.strictObject({
  id: z.literal('switches'),
  type: z.literal('switches'),
  /** Switches belong to the fleet: always the reserved product. */
  productId: z.literal('fleet'),
  /** Those that are on. */
  on: z.array(SwitchSchema),
});
export type Switches = z.infer<typeof SwitchesSchema>;

/** One change of a switch, written together with it and never changed. */
export const SwitchAuditSchema = z.strictObject({
  id: z.string(),
  type: z.literal('audit'),
  productId: z.literal('fleet'),
  at: TimestampSchema,
  actor: ActorSchema,
  action: z.enum(['halt', 'resume']),
  scope: ScopeSchema,
  reason: z.string().optional(),
});
export type SwitchAudit = z.infer<typeof SwitchAuditSchema>;

export const HaltSchema = z.strictObject({ scope: ScopeSchema, reason: z.string().min(1).max(1000) });
export const ResumeSchema = z.strictObject({ scope: ScopeSchema });
/** `limit`: how many records at most, the newest first. */
export const ListSwitchRecordsSchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});
export const SwitchListSchema = z.strictObject({ on: z.array(SwitchSchema) });
