/** The audit: signed checkpoints of the jobs' event chains, and what a check of both finds. */
import { z } from 'zod';
import { JobIdSchema, ProductIdSchema, TimestampSchema } from './job.js';

/** How far a job's event log was, and the hash of its last event: covers every event up to there. */
export const SealedHeadSchema = z.strictObject({
  productId: ProductIdSchema,
  jobId: JobIdSchema,
  events: z.number().int().positive(),
  headHash: z.string(),
});
export type SealedHead = z.infer<typeof SealedHeadSchema>;

/** A record outside any job that never changes, such as that of a kill switch. */
export const SealedRecordSchema = z.strictObject({ id: z.string(), hash: z.string() });
export type SealedRecord = z.infer<typeof SealedRecordSchema>;

/** One line of `checkpoints/<day>.jsonl` in the blob container `audit`. */
export const CheckpointSchema = z.strictObject({
  /** 1, 2, 3 …: a missing one shows. */
  n: z.number().int().positive(),
  at: TimestampSchema,
  heads: z.array(SealedHeadSchema),
  records: z.array(SealedRecordSchema),
  /** SHA-256 of the checkpoint before, with its signature; empty in the first. */
  prevHash: z.string(),
  /** Ed25519 over the canonical JSON of everything above, base64. */
  signature: z.string(),
});
export type Checkpoint = z.infer<typeof CheckpointSchema>;

/** Where the checkpoints end, in the database: who takes lines from the end of the blob would have to change both. */
export const AuditHeadSchema = z.strictObject({
  id: z.literal('audit-head'),
  type: z.literal('audit-head'),
  productId: z.literal('fleet'),
  n: z.number().int().positive(),
  hash: z.string(),
  /** Days of the first and of the last checkpoint, in UTC. */
  firstDay: z.iso.date(),
  day: z.iso.date(),
  /** Bytes in the last day's blob. */
  length: z.number().int().nonnegative(),
  /** Newest change that was seen, in seconds since 1970 as the database dates it. */
  seenUntil: z.number().int().nonnegative(),
  /** What was sealed of the last moments before that, as `id` → hash: the next look begins before them. */
  recent: z.record(z.string(), z.string()),
});
export type AuditHead = z.infer<typeof AuditHeadSchema>;

export const AUDIT_FINDINGS = [
  /** An event's content does not have its hash, or another one than was sealed. */
  'changed',
  /** Events are missing. */
  'removed',
  /** An event does not follow the one before it. */
  'reordered',
  /** The job is in a stage that no event took it to. */
  'stage',
  /** A job or a record that was sealed is gone. */
  'gone',
  /** The checkpoints themselves are not whole. */
  'checkpoint',
] as const;

export const AuditFindingSchema = z.strictObject({
  kind: z.enum(AUDIT_FINDINGS),
  productId: z.string().optional(),
  jobId: z.string().optional(),
  /** The event where it shows first. */
  seq: z.number().int().positive().optional(),
  message: z.string(),
});
export type AuditFinding = z.infer<typeof AuditFindingSchema>;

export const VerifyAuditSchema = z.strictObject({
  productId: ProductIdSchema.optional(),
  jobId: JobIdSchema.optional(),
});

export const AuditReportSchema = z.strictObject({
  ok: z.boolean(),
  jobs: z.number().int().nonnegative(),
  events: z.number().int().nonnegative(),
  checkpoints: z.number().int().nonnegative(),
  /** When the last checkpoint was made; absent before the first. What came later is covered by the chain alone. */
  sealedAt: TimestampSchema.optional(),
  /** Ed25519, base64 of its 32 bytes: who keeps a copy can check the blobs without this service. */
  publicKey: z.string(),
  findings: z.array(AuditFindingSchema),
});
export type AuditReport = z.infer<typeof AuditReportSchema>;
