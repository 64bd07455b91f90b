/** The job document and its runs: the truth about one piece of work. */
import { z } from 'zod';
import { EngineSchema, ManifestSchema, RetryReasonSchema } from './manifest.js';
import { ProfileSnapshotSchema } from './profile.js';

export const STAGES = [
  'queued',
  'assigned',
  'building',
  'review',
  'testing',
  'shipped',
  'failed',
  'dead_letter',
] as const;
export const StageSchema = z.enum(STAGES);
export type Stage = z.infer<typeof StageSchema>;

/** ISO 8601 in UTC, as Date.toISOString() writes it: compares as text. */
export const TimestampSchema = z.iso.datetime();

export const ProductIdSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{1,40}$/, 'expected a product id: lower-case letters, digits and dashes');
export const JobIdSchema = z
  .string()
  .regex(/^job-[0-9a-z]{16}$/, 'expected a job id such as job-0123456789abcdef');

export const ActorSchema = z.strictObject({
  kind: z.enum(['operator', 'factory', 'tracker', 'system']),
  id: z.string(),
});
export type Actor = z.infer<typeof ActorSchema>;

/** No token is in two of these, however the engine counts: cached input is apart from input. */
export const TokenCountsSchema = z.strictObject({
  input: z.number().int().nonnegative(),
  cachedInput: z.number().int().nonnegative(),
  cacheWrite: z.number().int().nonnegative(),
  output: z.number().int().nonnegative(),
});
export type TokenCounts = z.infer<typeof TokenCountsSchema>;

/** What the engine used. `exact` from the engine's own output, `estimated` by us, `unknown` where neither is possible. */
export const UsageSchema = z.strictObject({
  wallSeconds: z.number().nonnegative(),
  /** All of them, cached ones too. */
  tokens: z.number().int().nonnegative(),
  usd: z.number().nonnegative(),
  accuracy: z.enum(['exact', 'estimated', 'unknown']),
  /** Of `tokens`, where the engine tells them apart. */
  tokenCounts: TokenCountsSchema.optional(),
});
export type Usage = z.infer<typeof UsageSchema>;

/** Most artifacts of one run. */
export const MAX_ARTIFACTS = 100;
/** A path below a run's worktree, with `/` on every system. */
export const ArtifactPathSchema = z
  .string()
  .min(1)
  .max(400)
  .regex(
    /^(?!\/)(?!(.*\/)?\.\.?(\/|$))(?!.*\/\/)[^\\\p{Cc}\p{Cs}]+$/u,
    'expected a path below the worktree, such as coverage/lcov.info',
  );

/** A file that a run keeps; its content is in blob storage. */
export const ArtifactSchema = z.strictObject({
  path: ArtifactPathSchema,
  bytes: z.number().int().nonnegative(),
  /** Of the content, in hexadecimal digits. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type Artifact = z.infer<typeof ArtifactSchema>;

/** What a check's own reports say, summed up. */
export const TestSummarySchema = z.strictObject({
  passed: z.number().int().nonnegative(),
  failed: z.number().int().nonnegative(),
  skipped: z.number().int().nonnegative(),
  /** Names of the first that failed. */
  failures: z.array(z.string().max(300)).max(20),
});
export type TestSummary = z.infer<typeof TestSummarySchema>;

export const VerifyResultSchema = z.strictObject({
  command: z.string(),
  passed: z.boolean(),
  exitCode: z.number().int().nullable(),
  durationMs: z.number().nonnegative(),
  /** The last lines of its output, redacted. */
  tail: z.string().max(8000),
  /** From JUnit reports, where it wrote some. */
  tests: TestSummarySchema.optional(),
  /** Share of lines that its tests ran, 0 to 100, where it wrote a coverage report. */
  coveragePercent: z.number().min(0).max(100).optional(),
});
export type VerifyResult = z.infer<typeof VerifyResultSchema>;

/** Why a run ended without a result. The retry policy decides on it; `refused` and `preflight` are never retried. */
export const FAILURE_REASONS = [
  ...RetryReasonSchema.options,
  'preflight',
  'refused',
  'no_change',
  /** The job's own budget is used up: it is put on hold until a person resumes it. */
  'budget',
  'merge_conflict',
  'cancelled',
  /** A reviewer turned the change down. */
  'rejected',
  /** A composite of which children failed. */
  'children',
] as const;
export const FailureReasonSchema = z.enum(FAILURE_REASONS);
export type FailureReason = z.infer<typeof FailureReasonSchema>;

/** Files that a scope report names in each list. */
export const MAX_SCOPE_FILES = 100;
const ScopeFilesSchema = z.array(z.string()).max(MAX_SCOPE_FILES);

/** Where a change went that nobody may let through unseen: paths in the repository, found by the factory on the diff. */
export const ScopeReportSchema = z.strictObject({
  /** The patterns that it was held against; empty where the job may change everything. */
  allowed: z.array(z.string()).max(400),
  /** Outside of these patterns: only an admin's override lets the change ship. */
  outside: ScopeFilesSchema,
  /** In packages that others build on: needs the approval of somebody else than who asked for the job. */
  shared: ScopeFilesSchema,
  /** Tests, checks and settings that judge this very change: never ships by itself. */
  gates: ScopeFilesSchema,
});
export type ScopeReport = z.infer<typeof ScopeReportSchema>;

export const PullRequestSchema = z.strictObject({
  number: z.number().int().positive(),
  url: z.url().max(500),
});
export type PullRequest = z.infer<typeof PullRequestSchema>;

/** The feature branch that a run pushed. */
export const ChangeSchema = z.strictObject({
  branch: z.string(),
  commit: z.string(),
  baseCommit: z.string(),
  filesChanged: z.array(z.string()).max(2000),
  insertions: z.number().int().nonnegative(),
  deletions: z.number().int().nonnegative(),
  /** Absent from factories that did not look. */
  scope: ScopeReportSchema.optional(),
  pullRequest: PullRequestSchema.optional(),
});
export type Change = z.infer<typeof ChangeSchema>;

/**
 * Where a checkpoint of an epoch lies in the job's repository: outside of its branches, so that nothing is built or
 * reviewed of it, and never in the way of another epoch's.
 */
export const checkpointRef = (jobId: string, epoch: number): string => `refs/aq/checkpoint/${jobId}/${epoch}`;

/** Unfinished work of a run, pushed to the repository, for the next run to go on with. */
export const CheckpointSchema = z.strictObject({
  /** See checkpointRef. */
  ref: z.string().max(200),
  /** One commit with everything that the run had changed by then; its parent is `baseCommit`. */
  commit: z.string().max(64),
  baseCommit: z.string().max(64),
});
export type Checkpoint = z.infer<typeof CheckpointSchema>;

export const RUN_KINDS = ['build', 'land', 'plan'] as const;
/** `build` makes the change; `land` merges it into the base branch after a person said ship; `plan` splits a composite. */
export const RunKindSchema = z.enum(RUN_KINDS);
export type RunKind = z.infer<typeof RunKindSchema>;

export const RunSchema = z.strictObject({
  id: z.string(),
  type: z.literal('run'),
  productId: ProductIdSchema,
  jobId: JobIdSchema,
  /** The fencing token: grows by one with every claim of the job; names the run. */
  epoch: z.number().int().positive(),
  kind: RunKindSchema,
  factoryId: z.string(),
  pool: z.string(),
  engine: EngineSchema,
  engineVersion: z.string().optional(),
  /** Profile and product let a verified change go to the base branch without a person (shared/rules/gates.ts). */
  push: z.literal('direct').optional(),
  status: z.enum(['assigned', 'running', 'succeeded', 'failed', 'lost', 'released']),
  startedAt: TimestampSchema,
  endedAt: TimestampSchema.optional(),
  change: ChangeSchema.optional(),
  verify: VerifyResultSchema.optional(),
  usage: UsageSchema.optional(),
  artifacts: z.array(ArtifactSchema).max(MAX_ARTIFACTS).optional(),
  /** It was done from a folder; this factory brought it, and brings its log and files. */
  handedOverBy: z.string().optional(),
  failure: z
    .strictObject({ reason: FailureReasonSchema, message: z.string(), exitCode: z.number().int().nullable() })
    .optional(),
});
export type Run = z.infer<typeof RunSchema>;

/** Where a job came from, for the echo back. */
export const TrackerItemSchema = z.strictObject({
  tracker: z.literal('github'),
  /** `owner/name` */
  repository: z.string(),
  number: z.number().int().positive(),
  url: z.string(),
  /** Who filed it, as the tracker names them. */
  author: z.string().optional(),
});
export type TrackerItem = z.infer<typeof TrackerItemSchema>;

/** A reviewer's yes to the change at that commit. */
export const ApprovalSchema = z.strictObject({
  by: z.string(),
  at: TimestampSchema,
  commit: z.string(),
  /** The job that reviewed the commit with the profile `reviewer`; there where shared packages changed. */
  review: JobIdSchema.optional(),
});

/** An admin's word that the change at that commit may ship although it left its scope. */
export const OverrideSchema = z.strictObject({
  by: z.string(),
  at: TimestampSchema,
  commit: z.string(),
  reason: z.string(),
});

/** Another job of the product that must come so far first. */
export const DepSchema = z.strictObject({ jobId: JobIdSchema, until: z.enum(['testing', 'shipped']) });
export type Dep = z.infer<typeof DepSchema>;

/** How long a job may stay where it is (rules/sla.ts). */
export const SlaSchema = z.strictObject({
  /** What it waits for: a factory, the end of its run, or a person. */
  phase: z.enum(['start', 'run', 'decide']),
  dueAt: TimestampSchema,
  breached: z.boolean(),
});
export type Sla = z.infer<typeof SlaSchema>;

export const JobSchema = z.strictObject({
  id: z.literal('job'),
  type: z.literal('job'),
  productId: ProductIdSchema,
  jobId: JobIdSchema,
  title: z.string(),
  /** Immutable snapshot of what was asked for. */
  manifest: ManifestSchema,
  /** SHA-256 of the canonical manifest: the same key with another hash is a conflict. */
  contentHash: z.string(),
  /** Absent when the job names a class only: the engine is then resolved at the claim and stands in the run. */
  engine: EngineSchema.optional(),
  /** The profile that the manifest names, as it was when the job was assigned last. */
  profile: ProfileSnapshotSchema.optional(),
  /** Hard requirements, normalised and sorted: decide the lane and the pool. */
  requirements: z.array(z.string()),
  lane: z.string(),
  trackerItem: TrackerItemSchema.optional(),
  stage: StageSchema,
  submittedAt: TimestampSchema,
  submittedBy: ActorSchema,
  stageSince: TimestampSchema,
  /** 0 before the first claim. Every write of a factory must carry the current one. */
  epoch: z.number().int().nonnegative(),
  /** Who holds the lease now; absent when nobody does. */
  holder: z.string().optional(),
  /** Runs of kind `build` that were started and counted against `retry.max`. */
  attempts: z.number().int().nonnegative(),
  /** A retry waits until then. */
  notBefore: TimestampSchema.optional(),
  change: ChangeSchema.optional(),
  /** What the next build goes on with; absent when it begins anew. */
  checkpoint: CheckpointSchema.optional(),
  verify: VerifyResultSchema.optional(),
  usage: UsageSchema,
  failure: z.strictObject({ reason: FailureReasonSchema, message: z.string() }).optional(),
  /** Set from the moment a person says ship until the change is merged. */
  landing: z.strictObject({ requestedBy: ActorSchema, requestedAt: TimestampSchema }).optional(),
  mergeCommit: z.string().optional(),
  /** Of the present change; another build starts without any. */
  approvals: z.array(ApprovalSchema).optional(),
  /** Of the present change, as the approvals. */
  override: OverrideSchema.optional(),
  /** What the manifest's `deps` name, found at the submit. */
  deps: z.array(DepSchema).optional(),
  /** Those of them that were not so far yet when somebody looked last; while this stands nobody claims the job. */
  waitsFor: z.array(JobIdSchema).optional(),
  /** The composite that it is a child of. */
  parent: JobIdSchema.optional(),
  /** All composites that it is a part of, the outermost first, its parent last. */
  ancestors: z.array(JobIdSchema).optional(),
  /** Its name among its siblings. */
  key: z.string().optional(),
  /** A composite's; while this stands nobody claims it: it waits for its children. A planner's has none before its plan. */
  children: z
    .strictObject({
      count: z.number().int().nonnegative(),
      onFailure: z.enum(['continue', 'fail-fast']),
      /** Plans that were accepted, by their hash. */
      plans: z.array(z.string()),
      /** Of the composite's own budget, what its children were given. */
      usd: z.number().nonnegative(),
      tokens: z.number().int().nonnegative(),
    })
    .optional(),
  /** A person keeps it where it is: nobody claims it, nobody ships it. */
  hold: z.strictObject({ by: ActorSchema, at: TimestampSchema, reason: z.string() }).optional(),
  /** Of the phase that it is in; `breached` once that was written into its log. Absent where nothing runs. */
  sla: SlaSchema.optional(),
  /** Number of events so far; the next one's sequence is this plus one. */
  events: z.number().int().nonnegative(),
  /** Hash of the last event: the chain's head. */
  headHash: z.string(),
});
export type Job = z.infer<typeof JobSchema>;
