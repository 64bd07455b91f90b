/** The append-only log of a job. It is the outbox too: feed functions react to these documents. */
import { z } from 'zod';
import { AssignmentSchema } from './explanation.js';
import {
  ActorSchema,
  ArtifactSchema,
  ChangeSchema,
  CheckpointSchema,
  FailureReasonSchema,
  JobIdSchema,
  MAX_ARTIFACTS,
  ProductIdSchema,
  RunKindSchema,
  SlaSchema,
  StageSchema,
  TimestampSchema,
  UsageSchema,
  VerifyResultSchema,
} from './job.js';
import { PrioritySchema } from './manifest.js';

/** With their checksums, so that the chain tells when one was changed. */
const artifacts = z.array(ArtifactSchema).max(MAX_ARTIFACTS).optional();
const epoch = z.number().int().positive();

export const HandOverOutcomeSchema = z.enum(['taken', 'merged', 'kept']);

/** What happened, by kind. */
export const EventBodySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('job.submitted'), title: z.string(), contentHash: z.string() }),
  z.strictObject({
    kind: z.literal('job.assigned'),
    epoch,
    run: RunKindSchema,
    factoryId: z.string(),
    pool: z.string(),
    decision: AssignmentSchema,
  }),
  z.strictObject({
    kind: z.literal('run.started'),
    epoch,
    run: RunKindSchema,
    factoryId: z.string(),
    engineVersion: z.string().optional(),
  }),
  z.strictObject({
    kind: z.literal('run.checkpointed'),
    epoch,
    factoryId: z.string(),
    checkpoint: CheckpointSchema,
  }),
  z.strictObject({
    kind: z.literal('run.finished'),
    epoch,
    factoryId: z.string(),
    change: ChangeSchema,
    usage: UsageSchema,
    artifacts,
  }),
  z.strictObject({
    kind: z.literal('run.verified'),
    epoch,
    factoryId: z.string(),
    verify: VerifyResultSchema,
    artifacts,
  }),
  z.strictObject({
    kind: z.literal('run.failed'),
    epoch,
    factoryId: z.string(),
    reason: FailureReasonSchema,
    message: z.string(),
    exitCode: z.number().int().nullable(),
    usage: UsageSchema.optional(),
    /** When the retry may start; absent when there is none. */
    retryAt: TimestampSchema.optional(),
  }),
  z.strictObject({
    kind: z.literal('run.released'),
    epoch,
    factoryId: z.string(),
    message: z.string(),
    usage: UsageSchema.optional(),
  }),
  z.strictObject({
    kind: z.literal('run.lost'),
    epoch,
    factoryId: z.string(),
    message: z.string(),
    retryAt: TimestampSchema.optional(),
  }),
  z.strictObject({ kind: z.literal('ship.requested') }),
  z.strictObject({
    kind: z.literal('ship.landed'),
    epoch,
    factoryId: z.string(),
    mergeCommit: z.string(),
    baseBranch: z.string(),
  }),
  z.strictObject({ kind: z.literal('ship.refused'), epoch, factoryId: z.string(), message: z.string() }),
  z.strictObject({ kind: z.literal('job.requeued'), reason: z.string() }),
  z.strictObject({ kind: z.literal('job.cancelled'), reason: z.string() }),
  /** Its profile was edited while it waited, and asks for other factories now. */
  z.strictObject({
    kind: z.literal('job.rerouted'),
    profile: z.string(),
    version: z.number().int().positive(),
    requirements: z.array(z.string()),
  }),
  z.strictObject({ kind: z.literal('deps.met') }),
  /** A planner's run is done: `count` children of its plan follow. */
  z.strictObject({
    kind: z.literal('run.planned'),
    epoch,
    factoryId: z.string(),
    count: z.number().int().positive(),
    usage: UsageSchema,
  }),
  /** From here on the children of the plan come into being, whatever dies. */
  z.strictObject({
    kind: z.literal('children.requested'),
    plan: z.string(),
    count: z.number().int().positive(),
    onFailure: z.enum(['continue', 'fail-fast']),
  }),
  z.strictObject({
    kind: z.literal('children.ended'),
    shipped: z.number().int().nonnegative(),
    /** Those that failed, were cancelled, or are in the dead letters. */
    failed: z.array(JobIdSchema),
  }),
  /** `open` more approvals are needed. */
  z.strictObject({
    kind: z.literal('gate.approved'),
    commit: z.string(),
    /** See ApprovalSchema. */
    review: JobIdSchema.optional(),
    open: z.number().int().nonnegative(),
  }),
  z.strictObject({ kind: z.literal('gate.rejected'), reason: z.string() }),
  z.strictObject({ kind: z.literal('gate.promoted') }),
  /** An admin lets a change ship that left its scope. */
  z.strictObject({ kind: z.literal('gate.overridden'), commit: z.string(), reason: z.string() }),
  /** `paused`: a factory was at work on it, and the run was ended. */
  z.strictObject({ kind: z.literal('job.held'), reason: z.string(), paused: z.boolean() }),
  z.strictObject({ kind: z.literal('job.resumed') }),
  /** It stayed in a phase for longer than its priority allows; once a phase. */
  z.strictObject({
    kind: z.literal('sla.breached'),
    phase: SlaSchema.shape.phase,
    priority: PrioritySchema,
    dueAt: TimestampSchema,
  }),
  /**
   * A factory that had worked in its folder brought what it did. `taken`: the job came into being by this; `merged`:
   * nobody had worked on it here, so the folder's runs are the job's; `kept`: somebody had, and what the factory did
   * is recorded by this alone.
   */
  z.strictObject({
    kind: z.literal('job.handed-over'),
    outcome: HandOverOutcomeSchema,
    /** As the folder left it. */
    offline: z.strictObject({
      stage: StageSchema,
      runs: z.number().int().nonnegative(),
      events: z.number().int().positive(),
      headHash: z.string(),
      commit: z.string().optional(),
      usage: UsageSchema,
    }),
  }),
]);
export type EventBody = z.infer<typeof EventBodySchema>;

export const JobEventSchema = z.strictObject({
  /** `event:` + the sequence in eight digits: sorts as it happened. */
  id: z.string(),
  type: z.literal('event'),
  productId: ProductIdSchema,
  jobId: JobIdSchema,
  seq: z.number().int().positive(),
  at: TimestampSchema,
  actor: ActorSchema,
  /** The stage after this event, and before it where it changed. */
  stage: StageSchema,
  from: StageSchema.optional(),
  body: EventBodySchema,
  /** SHA-256 of the job and the run as they were written with this event, by id. Older records have none. */
  documents: z.record(z.string(), z.string()).optional(),
  /** SHA-256 over the previous hash and this event without its hashes. */
  prevHash: z.string(),
  hash: z.string(),
});
export type JobEvent = z.infer<typeof JobEventSchema>;
