/** What a product may spend, and what it has spent: documents of fleet_budgets and bodies of the API. */
import { z } from 'zod';
import { JobIdSchema, ProductIdSchema, TimestampSchema } from './job.js';

export const BUDGET_WINDOWS = ['day', 'month'] as const;
/** Of the calendar, in UTC. */
export const BudgetWindowSchema = z.enum(BUDGET_WINDOWS);
export type BudgetWindow = z.infer<typeof BudgetWindowSchema>;

/** For a job that names no budget of its own, in US dollars. */
export const DEFAULT_ASSUMED_USD = 5;

const UsdSchema = z.number().nonnegative();
const WindowStateSchema = z.strictObject({
  /** `2026-11-21` or `2026-11`. */
  period: z.string(),
  /** Absent: no ceiling. */
  ceilingUsd: UsdSchema.optional(),
  spentUsd: UsdSchema,
});

/** One a product. What is reserved counts against both windows until it is settled. */
export const BudgetSchema = z.strictObject({
  id: z.literal('budget'),
  type: z.literal('budget'),
  productId: ProductIdSchema,
  day: WindowStateSchema,
  month: WindowStateSchema,
  reservedUsd: z.number(),
  /** What a run is taken to cost whose job names no budget. */
  assumedUsd: UsdSchema,
});
export type Budget = z.infer<typeof BudgetSchema>;

/** What a run may cost, from its claim until it is settled. One a run. */
export const ReservationSchema = z.strictObject({
  /** `reserved:<jobId>:<epoch>` */
  id: z.string(),
  type: z.literal('reservation'),
  productId: ProductIdSchema,
  jobId: JobIdSchema,
  epoch: z.number().int().positive(),
  usd: z.number().positive(),
  at: TimestampSchema,
});
export type Reservation = z.infer<typeof ReservationSchema>;

/** `null` takes a ceiling away; what is left out stays. */
export const PutBudgetSchema = z.strictObject({
  dayUsd: z.number().positive().max(1_000_000).nullable().optional(),
  monthUsd: z.number().positive().max(10_000_000).nullable().optional(),
  assumedUsd: z.number().positive().max(100_000).optional(),
});
export type PutBudget = z.infer<typeof PutBudgetSchema>;

export const BudgetViewSchema = z.strictObject({
  productId: ProductIdSchema,
  /** `exceeded`: nothing that costs is claimed any more · `paused`: by a person, nothing at all is claimed. */
  status: z.enum(['open', 'exceeded', 'paused']),
  paused: z.strictObject({ reason: z.string(), since: TimestampSchema }).optional(),
  reservedUsd: UsdSchema,
  assumedUsd: UsdSchema,
  windows: z.array(
    z.strictObject({
      window: BudgetWindowSchema,
      period: z.string(),
      spentUsd: UsdSchema,
      ceilingUsd: UsdSchema.optional(),
      /** What may still be reserved; below zero where a run cost more than it had reserved. */
      leftUsd: z.number().optional(),
    }),
  ),
});
export type BudgetView = z.infer<typeof BudgetViewSchema>;

export const BurndownQuerySchema = z.strictObject({
  days: z.coerce.number().int().min(1).max(366).default(30),
});

export const BurndownSchema = z.strictObject({
  productId: ProductIdSchema,
  /** Every day up to today, the oldest first; days without spend are zero. */
  days: z.array(
    z.strictObject({
      day: z.string(),
      usd: UsdSchema,
      tokens: z.number().int().nonnegative(),
      wallSeconds: z.number().nonnegative(),
      runs: z.number().int().nonnegative(),
    }),
  ),
  forecast: z.array(
    z.strictObject({
      window: BudgetWindowSchema,
      ceilingUsd: UsdSchema.optional(),
      /** At the pace so far, by the end of the window. */
      expectedUsd: UsdSchema,
      /** When the ceiling is reached at that pace; absent when it is not within the window. */
      crossesAt: TimestampSchema.optional(),
    }),
  ),
});
export type Burndown = z.infer<typeof BurndownSchema>;
