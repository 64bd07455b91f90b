/** Documents of the fleet: factories, leases, the ready set, products and their budgets. */
import { z } from 'zod';
import { EngineSchema, PrioritySchema } from './manifest.js';
import { ActorSchema, JobIdSchema, ProductIdSchema, RunKindSchema, TimestampSchema } from './job.js';

export const FactoryIdSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{1,60}$/, 'expected a factory id: lower-case letters, digits and dashes');

/** What a machine says of itself at enrolment: found by probing, credentials by presence only. */
export const FactoryDescriptorSchema = z.strictObject({
  /** A name that people recognise; the id derives from it. */
  name: FactoryIdSchema,
  /** Tags (`os:linux`, `engine:shell`) and tools with their version (`node@20.20.2`). */
  advertises: z.array(z.string()).max(200),
  /** How many runs at the same time. */
  stations: z.number().int().min(1).max(64),
  agentVersion: z.string(),
});
export type FactoryDescriptor = z.infer<typeof FactoryDescriptorSchema>;

export const FactorySchema = FactoryDescriptorSchema.extend({
  id: FactoryIdSchema,
  type: z.literal('factory'),
  /** Factories belong to the fleet: always the reserved product. */
  productId: z.literal('fleet'),
  /** Products whose jobs it may run; `*` for all. */
  products: z.array(z.string()),
  pools: z.array(z.string()),
  /** `draining`: asked to go away, it is given nothing more until that is undone. */
  status: z.enum(['online', 'draining', 'offline']),
  enrolledAt: TimestampSchema,
  lastSeenAt: TimestampSchema,
  running: z.number().int().nonnegative(),
  /** How its last runs ended: 1 all well, 0 none (rules/health.ts). Absent while none has failed. */
  health: z.number().min(0).max(1).optional(),
  /** Repositories with a warm checkout. */
  warm: z.array(z.string()),
  /** Ids of the tokens that it may call with: the last one given, and the one before, whose holder may not have got the last. */
  tokens: z.array(z.string()).max(2),
});
export type Factory = z.infer<typeof FactorySchema>;

/** That somebody changed a factory's standing; never changed itself. */
export const FactoryAuditSchema = z.strictObject({
  id: z.string(),
  type: z.literal('audit'),
  productId: z.literal('fleet'),
  at: TimestampSchema,
  actor: ActorSchema,
  action: z.enum(['revoke', 'drain', 'undrain']),
  factoryId: FactoryIdSchema,
  reason: z.string(),
});
export type FactoryAudit = z.infer<typeof FactoryAuditSchema>;

/** What a factory must do, told with the answer to its renewal. */
export const DirectiveSchema = z.enum(['stop', 'drain']);
export type Directive = z.infer<typeof DirectiveSchema>;

export const LeaseSchema = z.strictObject({
  /** `<jobId>`; locks are `lock:<productId>:<key>`. */
  id: z.string(),
  type: z.literal('lease'),
  productId: ProductIdSchema,
  jobId: JobIdSchema,
  epoch: z.number().int().positive(),
  holder: z.string(),
  /** Set while the reaper takes the job back: whose lease it was. */
  takenFrom: z.string().optional(),
  pool: z.string(),
  expiresAt: TimestampSchema,
  directives: z.array(DirectiveSchema),
  /** Seconds; the document outlives the lease so that the reaper sees it, and goes by itself in the end. */
  ttl: z.number().int(),
});
export type Lease = z.infer<typeof LeaseSchema>;

export const LockSchema = z.strictObject({
  id: z.string(),
  type: z.literal('lock'),
  productId: ProductIdSchema,
  key: z.string(),
  jobId: JobIdSchema,
  epoch: z.number().int().positive(),
  expiresAt: TimestampSchema,
  ttl: z.number().int(),
});
export type Lock = z.infer<typeof LockSchema>;

/** One entry a ready job: what the scheduler needs, nothing else. A view; the job document is the truth. */
export const ReadyEntrySchema = z.strictObject({
  /** The job's id. */
  id: JobIdSchema,
  type: z.literal('ready'),
  pool: z.string(),
  productId: ProductIdSchema,
  lane: z.string(),
  run: RunKindSchema,
  requirements: z.array(z.string()),
  prefers: z.array(z.string()),
  repo: z.string().optional(),
  lock: z.string().optional(),
  targetFactoryId: z.string().optional(),
  priority: PrioritySchema,
  /** 0 is critical: sorts first. */
  priorityRank: z.number().int().min(0).max(3),
  /** Submission moved back by priority, in milliseconds since 1970: the order of ageing, which time does not change. */
  orderKey: z.number().int(),
  submittedAt: TimestampSchema,
  readySince: TimestampSchema,
  notBefore: TimestampSchema.optional(),
  /** The job's epoch when the entry was written: another one in the job means that the entry is stale. */
  epoch: z.number().int().nonnegative(),
  /** How many events the job had then: a read of the job with fewer is older than the entry. */
  jobEvents: z.number().int().nonnegative(),
  /** What its next run may cost: 0 for a script or a merge; absent when the job does not say. */
  costUsd: z.number().nonnegative().optional(),
});
export type ReadyEntry = z.infer<typeof ReadyEntrySchema>;

/** A tenant and what it allows. Written by an admin; secrets are named, never stored. */
export const ProductSchema = z.strictObject({
  id: z.literal('product'),
  type: z.literal('product'),
  productId: ProductIdSchema,
  name: z.string().min(1).max(100),
  tracker: z
    .strictObject({
      kind: z.literal('github'),
      /** `owner/name` of the repository whose issues become jobs. */
      repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'expected owner/name'),
      /** Base of the REST API; https://api.github.com unless it is GitHub Enterprise. */
      apiUrl: z.url(),
      /** Names of the app settings that hold the secrets. */
      webhookSecretSetting: z.string(),
      tokenSetting: z.string(),
      /** The label that asks for a run. */
      label: z.string().default('agent:run'),
      /** Engines that a tracker item may choose with an `engine:` label. Not `shell` unless named here: it runs what the item says. */
      engines: z.array(EngineSchema).default([]),
    })
    .optional(),
  defaults: z
    .strictObject({
      repo: z.string().optional(),
      baseBranch: z.string().optional(),
      engine: EngineSchema.optional(),
      verify: z.string().optional(),
    })
    .default({}),
  /** `direct`: profiles with `push-policy: direct` may push to the base branch. Left out: `branch`, none may. */
  pushPolicy: z.enum(['branch', 'direct']).optional(),
  /** Paused products get no claims. */
  paused: z.strictObject({ reason: z.string(), since: TimestampSchema }).optional(),
});
export type Product = z.infer<typeof ProductSchema>;

/** What a list says of a product: neither its settings nor the names of its secrets. */
export const ProductSummarySchema = ProductSchema.pick({ productId: true, name: true, paused: true });
export type ProductSummary = z.infer<typeof ProductSummarySchema>;

/** Jobs that a product was given lately, each counting half as much after every half-life (shared/rules/share.ts). */
export const ServedSchema = z.strictObject({
  id: z.literal('served'),
  type: z.literal('served'),
  productId: ProductIdSchema,
  count: z.number().nonnegative(),
  at: TimestampSchema,
});
export type Served = z.infer<typeof ServedSchema>;

/** One run's cost in a product's day; its id makes accrual idempotent. */
export const LedgerEntrySchema = z.strictObject({
  id: z.string(),
  type: z.literal('ledger'),
  productId: ProductIdSchema,
  jobId: JobIdSchema,
  /** 0: runs of the job that a factory did offline and that do not count. */
  epoch: z.number().int().nonnegative(),
  at: TimestampSchema,
  usd: z.number().nonnegative(),
  tokens: z.number().int().nonnegative(),
  wallSeconds: z.number().nonnegative(),
  /** Nobody knows what the run cost: it counts as what was reserved for it. */
  assumed: z.literal(true).optional(),
});
export type LedgerEntry = z.infer<typeof LedgerEntrySchema>;

export const SpendSchema = z.strictObject({
  /** `spend:<yyyy-mm-dd>`, UTC. */
  id: z.string(),
  type: z.literal('spend'),
  productId: ProductIdSchema,
  day: z.string(),
  usd: z.number().nonnegative(),
  tokens: z.number().int().nonnegative(),
  wallSeconds: z.number().nonnegative(),
  runs: z.number().int().nonnegative(),
});
export type Spend = z.infer<typeof SpendSchema>;
