/** Why a job went where it went, or why it waits: decisions as data. */
import { z } from 'zod';
import { JobIdSchema, SlaSchema, StageSchema } from './job.js';
import { BudgetWindowSchema } from './budget.js';
import { ChildKeySchema } from './children.js';

/** The weighted parts of a score; each part is already multiplied by its weight. */
export const ScoreSchema = z.strictObject({
  total: z.number(),
  capabilityFit: z.number(),
  affinity: z.number(),
  load: z.number(),
  cost: z.number(),
  health: z.number(),
  starvation: z.number(),
});
export type Score = z.infer<typeof ScoreSchema>;

/** Why a job could not be chosen just now. */
export const BlockSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('capability'), missing: z.array(z.string()) }),
  z.strictObject({ kind: z.literal('target'), factoryId: z.string() }),
  z.strictObject({ kind: z.literal('lock'), key: z.string(), heldBy: z.string() }),
  z.strictObject({ kind: z.literal('backoff'), until: z.string() }),
  /** A kill switch is on: `fleet`, `pool:<name>` or `product:<id>` is halted. */
  z.strictObject({ kind: z.literal('switch'), scope: z.string(), reason: z.string() }),
  /** An operator paused the product's budget, and with it its claims. */
  z.strictObject({ kind: z.literal('paused'), productId: z.string(), reason: z.string() }),
  /** The factory is not allowed that product. */
  z.strictObject({ kind: z.literal('product'), productId: z.string() }),
  /** The factory is not there to take work. */
  z.strictObject({ kind: z.literal('status'), status: z.enum(['draining', 'offline']) }),
  /** Every station of the factory is busy. */
  z.strictObject({ kind: z.literal('stations'), running: z.number().int(), stations: z.number().int() }),
  /** Kept for a short while for a factory that has the repository checked out already. */
  z.strictObject({ kind: z.literal('warm'), factoryId: z.string(), until: z.string() }),
  /** The free stations are kept for work that only a rarer pool can do. */
  z.strictObject({ kind: z.literal('reserved'), pool: z.string(), waiting: z.number().int() }),
  /** The product's budget has not enough left for what the run may cost. */
  z.strictObject({
    kind: z.literal('budget'),
    productId: z.string(),
    window: BudgetWindowSchema,
    leftUsd: z.number(),
    shortUsd: z.number(),
  }),
]);
export type Block = z.infer<typeof BlockSchema>;
/** Keeps the job from every factory. */
export type Hold = Extract<Block, { kind: 'backoff' | 'lock' | 'switch' | 'paused' | 'budget' }>;
/** Keeps it from one factory. */
export type FactoryBlock = Exclude<Block, Hold>;

/** Stored in the `job.assigned` event: enough to replay the decision. */
export const AssignmentSchema = z.strictObject({
  /** One sentence for people. */
  why: z.string(),
  score: ScoreSchema,
  /** Jobs that were considered at that claim: the winner first, at most ten. */
  considered: z.array(
    z.strictObject({ jobId: z.string(), score: z.number().optional(), blocked: z.array(BlockSchema) }),
  ),
  candidates: z.number().int().nonnegative(),
  seed: z.string(),
});
export type Assignment = z.infer<typeof AssignmentSchema>;

/** A job that has to come so far first: one that it depends on, or a child of a composite. */
export const AwaitedSchema = z.strictObject({
  jobId: JobIdSchema,
  /** A child's name among its siblings. */
  key: ChildKeySchema.optional(),
  /** Where it is now; absent when it is not there. */
  stage: StageSchema.optional(),
  /** How far it must come; a child only has to end. */
  until: z.enum(['testing', 'shipped', 'ended']),
});
export type Awaited = z.infer<typeof AwaitedSchema>;

/** The answer to "why is my job not running?". */
export const ExplanationSchema = z.strictObject({
  jobId: z.string(),
  stage: z.string(),
  /** `placed`: somebody has it or had it · `waiting`: in a ready set · `blocked`: kept out of it · `unroutable`: no pool could ever run it. */
  state: z.enum(['placed', 'waiting', 'blocked', 'unroutable', 'ended']),
  /** One sentence for people. */
  summary: z.string(),
  /** The smallest change that would place it, or let it go on where it is blocked; absent when nothing needs to change. */
  wouldPlace: z.string().optional(),
  pool: z.string().optional(),
  /** Absent of a composite with children: no factory takes it. */
  lane: z.string().optional(),
  position: z.number().int().positive().optional(),
  factories: z.array(
    z.strictObject({
      factoryId: z.string(),
      pools: z.array(z.string()),
      freeStations: z.number().int(),
      blocks: z.array(BlockSchema),
      score: ScoreSchema.optional(),
    }),
  ),
  /** Pools that were considered for the job and what each lacks. */
  pools: z.array(z.strictObject({ pool: z.string(), missing: z.array(z.string()) })),
  /** Other jobs that it waits for, those first that are nearest to it. */
  waitsFor: z.array(AwaitedSchema).optional(),
  /** By when it should have left the phase that it is in. */
  sla: SlaSchema.optional(),
  /** The decision of the last assignment, if there was one. */
  assignment: AssignmentSchema.optional(),
});
export type Explanation = z.infer<typeof ExplanationSchema>;
