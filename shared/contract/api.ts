/** Bodies of the HTTP API. Paths and roles stand in routes.ts. */
import { z } from 'zod';
import { PlanSchema, RollupSchema } from './children.js';
import { ManifestSchema } from './manifest.js';
import { DirectiveSchema, FactoryDescriptorSchema, FactoryIdSchema } from './fleet.js';
import {
  ArtifactSchema,
  ChangeSchema,
  CheckpointSchema,
  FailureReasonSchema,
  JobIdSchema,
  MAX_ARTIFACTS,
  ProductIdSchema,
  SlaSchema,
  StageSchema,
  TimestampSchema,
  UsageSchema,
  VerifyResultSchema,
} from './job.js';
import { ProfileSnapshotSchema } from './profile.js';
import { SwitchSchema } from './switches.js';
import { JobEventViewSchema, JobViewSchema, ProductViewSchema, RunViewSchema } from './view.js';

/** Either the manifest as JSON, or the text of a file with front matter. */
export const SubmitJobSchema = z.union([
  z.strictObject({ productId: ProductIdSchema, manifest: z.record(z.string(), z.unknown()) }),
  z.strictObject({ productId: ProductIdSchema, text: z.string() }),
]);
export type SubmitJob = z.infer<typeof SubmitJobSchema>;

/** `created` is false when the same job was there already. */
export const SubmittedSchema = z.strictObject({ job: JobViewSchema, created: z.boolean() });

export const ListJobsSchema = z.strictObject({
  productId: ProductIdSchema.optional(),
  stage: StageSchema.optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});
/** A job without its prompt and its profile's persona: lists are asked for often, and a prompt may have 256 KB. */
export const JobSummarySchema = JobViewSchema.extend({
  manifest: ManifestSchema.omit({ body: true }),
  profile: ProfileSnapshotSchema.omit({ spec: true }).optional(),
  sla: SlaSchema.optional(),
});
export type JobSummary = z.infer<typeof JobSummarySchema>;
export const JobListSchema = z.strictObject({ jobs: z.array(JobSummarySchema) });

export const JobDetailSchema = z.strictObject({
  job: JobViewSchema,
  runs: z.array(RunViewSchema),
  events: z.array(JobEventViewSchema),
  /** Commands that the stage allows and the caller may give. */
  legal: z.array(z.string()),
  /** Of a composite: all below it. */
  rollup: RollupSchema.optional(),
  /** Of a job that failed or is in the dead letters: the end of its last run's log, redacted as the log is. */
  lastLog: z.strictObject({ epoch: z.number().int().positive(), text: z.string() }).optional(),
  /** Why the change of a profile that pushes directly waits for a person: `it changes its own check (a.txt)`. */
  notPushedDirectly: z.string().optional(),
  sla: SlaSchema.optional(),
});
export type JobDetail = z.infer<typeof JobDetailSchema>;

export const ClaimRequestSchema = z.strictObject({
  pool: z.string(),
  /** The lane whose ticket rang, for tracing. */
  lane: z.string().optional(),
  stations: z.number().int().min(1).max(64),
  running: z.number().int().min(0),
  warm: z.array(z.string()).max(200).default([]),
  /** Only tells in `would` what it would give: nothing is claimed, noted or rung. */
  dryRun: z.boolean().optional(),
});

/** What a factory needs to work on one claimed job. */
export const ClaimSchema = z.strictObject({
  job: JobViewSchema,
  run: RunViewSchema,
  lease: z.strictObject({ expiresAt: TimestampSchema, seconds: z.number().positive() }),
});
export type Claim = z.infer<typeof ClaimSchema>;
/** `claims` is empty when nothing in the pool suits; `waiting` counts what is ready but blocked. */
export const ClaimedSchema = z.strictObject({
  claims: z.array(ClaimSchema),
  waiting: z.number().int().nonnegative(),
  /** Of a dry run: the jobs that it would give, the first one first. */
  would: z.array(JobIdSchema).optional(),
  /** Kill switches and pauses for which nothing was given, although jobs are ready. */
  halted: z.array(SwitchSchema.pick({ scope: true, reason: true })).optional(),
});

export const RenewLeaseSchema = z.strictObject({ running: z.number().int().min(0) });
export const RenewedSchema = z.strictObject({
  expiresAt: TimestampSchema,
  directives: z.array(DirectiveSchema),
});

const ArtifactsSchema = z.array(ArtifactSchema).max(MAX_ARTIFACTS);

/** A piece of an artifact; `bytes` and `sha256` are those of the whole. */
export const ArtifactPieceSchema = ArtifactSchema.extend({
  base64: z.string(),
  /** Where to go on; absent at the end. */
  nextOffset: z.number().int().positive().optional(),
});

/**
 * What a factory reports of a run, in this order: started, finished, verified | failed | released; landed for `land`.
 * Between started and finished any number of `checkpointed`.
 */
export const RunReportSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('started'), engineVersion: z.string().max(200).optional() }),
  /** Its work so far lies in the repository: should the run end without a result, the next one goes on from there. */
  z.strictObject({ kind: z.literal('checkpointed'), checkpoint: CheckpointSchema }),
  z.strictObject({
    kind: z.literal('finished'),
    change: ChangeSchema,
    usage: UsageSchema,
    /** The repository's own check, which follows where the job names none. */
    verify: z.string().min(1).max(4000).optional(),
    artifacts: ArtifactsSchema.optional(),
  }),
  z.strictObject({
    kind: z.literal('verified'),
    verify: VerifyResultSchema,
    artifacts: ArtifactsSchema.optional(),
  }),
  z.strictObject({
    kind: z.literal('failed'),
    reason: FailureReasonSchema,
    message: z.string().max(4000),
    exitCode: z.number().int().nullable(),
    usage: UsageSchema.optional(),
  }),
  /** The run never began, or the factory drains: the job goes back without an attempt being counted. */
  z.strictObject({
    kind: z.literal('released'),
    message: z.string().max(4000),
    /** What its engine had used by then. */
    usage: UsageSchema.optional(),
  }),
  /** The result of a `plan` run; what is wrong with it is told in the answer. */
  z.strictObject({ kind: z.literal('planned'), plan: PlanSchema, usage: UsageSchema }),
  z.strictObject({ kind: z.literal('landed'), mergeCommit: z.string(), baseBranch: z.string() }),
]);
export type RunReport = z.infer<typeof RunReportSchema>;

export const JobResultSchema = z.strictObject({ job: JobViewSchema });

export const ChildrenAddedSchema = z.strictObject({
  job: JobViewSchema,
  children: z.array(z.strictObject({ key: z.string(), jobId: JobIdSchema })),
});

/** The offset makes appending idempotent: a chunk that is there already is answered with where the log ends. */
export const LogAppendedSchema = z.strictObject({ nextOffset: z.number().int().nonnegative() });

export const EnrolmentSchema = z.strictObject({
  products: z.array(z.string()).min(1),
  expiresInSeconds: z.number().int().min(10).max(86_400).default(900),
});
/** Shown once; only its hash is stored. */
export const EnrolmentTokenSchema = z.strictObject({
  enrolmentToken: z.string(),
  expiresAt: TimestampSchema,
});
export const EnrolFactorySchema = z.strictObject({
  /** Left out by a machine that calls with its managed identity. */
  enrolmentToken: z.string().optional(),
  descriptor: FactoryDescriptorSchema,
});
/** What a factory calls with from now on. */
export const FactoryTokenSchema = z.strictObject({
  token: z.string(),
  /** By the clock of the control plane, as the other two are: the machine's own may be off. */
  issuedAt: TimestampSchema,
  tokenExpiresAt: TimestampSchema,
  /** When to ask for another one. */
  rotateAt: TimestampSchema,
});
export type FactoryToken = z.infer<typeof FactoryTokenSchema>;
export const EnrolledSchema = FactoryTokenSchema.extend({
  factoryId: FactoryIdSchema,
  pools: z.array(z.string()),
  leaseSeconds: z.number().positive(),
});
export const RevokeFactorySchema = z.strictObject({ reason: z.string().min(1).max(1000) });
export const DrainFactorySchema = z.strictObject({
  reason: z.string().min(1).max(1000),
  /** Lets it have work again. */
  undo: z.boolean().default(false),
});
export const DrainedSchema = z.strictObject({
  factoryId: FactoryIdSchema,
  /** What it runs, and gives back when it renews its lease. */
  jobs: z.array(JobIdSchema),
});
export const LeftSchema = z.strictObject({ factoryId: FactoryIdSchema });
export const RevokedSchema = z.strictObject({
  factoryId: FactoryIdSchema,
  /** Jobs that were taken from it; they wait to be claimed again. */
  requeued: z.array(JobIdSchema),
});
export const FactoryListSchema = z.strictObject({
  factories: z.array(
    z.strictObject({
      id: z.string(),
      status: z.enum(['online', 'draining', 'offline']),
      pools: z.array(z.string()),
      advertises: z.array(z.string()),
      stations: z.number().int(),
      running: z.number().int(),
      lastSeenAt: TimestampSchema,
    }),
  ),
});

export const PutProductSchema = ProductViewSchema.omit({ productId: true });

export const HealthSchema = z.strictObject({
  status: z.enum(['ok', 'degraded']),
  version: z.string(),
  parts: z.array(
    z.strictObject({ part: z.string(), ok: z.boolean(), ms: z.number(), error: z.string().optional() }),
  ),
  /** Documents that no function could work on and that are put aside; absent when the database is away. */
  parked: z.number().int().nonnegative().optional(),
});

export const PathSchemas = {
  jobId: JobIdSchema,
  epoch: z.coerce.number().int().positive(),
  productId: ProductIdSchema,
};
