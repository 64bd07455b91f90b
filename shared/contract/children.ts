/**
 * Composite jobs: children that are created together. The same document is a request of a person and the plan that a
 * planner's run hands in.
 */
import { z } from 'zod';
import { DepSchema, JobIdSchema, ProductIdSchema, StageSchema, UsageSchema, ActorSchema } from './job.js';
import { EngineSchema, ManifestSchema } from './manifest.js';
import { ProfileSnapshotSchema } from './profile.js';

/** Also the largest graph that a submit has been measured with. */
export const MAX_CHILDREN = 1000;
/** A composite may hold composites: so many levels below the first one. */
export const MAX_DEPTH = 4;

/**
 * What one failed child means. `continue`: the others go on, and the parent fails when all have ended · `fail-fast`:
 * whatever has not brought a change yet is cancelled.
 */
export const OnFailureSchema = z.enum(['continue', 'fail-fast']);

/** Names a child within its parent; siblings name it in their `deps`. */
export const ChildKeySchema = z
  .string()
  .max(80)
  .regex(/^[a-z0-9][a-z0-9._-]*$/, 'expected a key such as 02-api: lower-case letters, digits, . _ -');

export const PlannedChildSchema = z.union([
  z.strictObject({ key: ChildKeySchema, manifest: z.record(z.string(), z.unknown()) }),
  /** The text of a manifest with front matter. */
  z.strictObject({ key: ChildKeySchema, text: z.string() }),
]);
export type PlannedChild = z.infer<typeof PlannedChildSchema>;

export const PlanSchema = z.strictObject({
  'on-failure': OnFailureSchema.default('continue'),
  children: z
    .array(PlannedChildSchema)
    .min(1)
    .max(MAX_CHILDREN)
    .refine((all) => new Set(all.map(({ key }) => key)).size === all.length, 'a key stands there twice'),
});
export type Plan = z.infer<typeof PlanSchema>;
export type PlanInput = z.input<typeof PlanSchema>;

/** What a decision needs of a plan that was checked and stored. */
export const PlanIntentSchema = z.strictObject({
  /** SHA-256 of the plan: names its stored children, and makes the same plan twice the same. */
  hash: z.string(),
  /** How many plans the parent had when this one was checked against them. */
  after: z.number().int().nonnegative(),
  count: z.number().int().positive(),
  onFailure: OnFailureSchema,
  /** What the children may spend together. */
  usd: z.number().nonnegative(),
  tokens: z.number().int().nonnegative(),
});
export type PlanIntent = z.infer<typeof PlanIntentSchema>;

/**
 * A child before it is a job, in its parent's partition. Written before the plan is accepted; without the event
 * `children.requested` of its plan it means nothing.
 */
export const ChildDraftSchema = z.strictObject({
  /** `child:<plan>:<number>` */
  id: z.string(),
  type: z.literal('child'),
  productId: ProductIdSchema,
  /** The parent's. */
  jobId: JobIdSchema,
  key: ChildKeySchema,
  childId: JobIdSchema,
  manifest: ManifestSchema,
  contentHash: z.string(),
  /** Where the manifest names none. */
  engine: EngineSchema.optional(),
  profile: ProfileSnapshotSchema.optional(),
  deps: z.array(DepSchema),
  actor: ActorSchema,
});
export type ChildDraft = z.infer<typeof ChildDraftSchema>;

/** All that hang below a composite, added up. */
export const RollupSchema = z.strictObject({
  jobs: z.number().int().nonnegative(),
  byStage: z.partialRecord(StageSchema, z.number().int().positive()),
  /** Those of `byStage.failed` that somebody cancelled. */
  cancelled: z.number().int().nonnegative(),
  /** The composite's own included. */
  usage: UsageSchema,
  verify: z.strictObject({
    passed: z.number().int().nonnegative(),
    failed: z.number().int().nonnegative(),
    open: z.number().int().nonnegative(),
  }),
});
export type Rollup = z.infer<typeof RollupSchema>;
