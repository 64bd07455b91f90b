/** Routes of products: what they allow, what they may spend, and whether they run. Part of the table in routes.ts. */
import { z } from 'zod';
import { PathSchemas, PutProductSchema } from './api.js';
import { BudgetViewSchema, BurndownQuerySchema, BurndownSchema, PutBudgetSchema } from './budget.js';
import { ProductSummarySchema } from './fleet.js';
import { ProductIdSchema } from './job.js';
import type { RouteSpec } from './routes.js';
import { HaltSchema, ListSwitchRecordsSchema, ResumeSchema, SwitchListSchema } from './switches.js';
import { ProductViewSchema, SwitchRecordViewSchema } from './view.js';

const JSON_BYTES = 256 * 1024;

const product = z.object({ productId: PathSchemas.productId });

const ListProductsSchema = z.strictObject({
  /** Only those behind it: `next` of the page before. */
  after: ProductIdSchema.optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});

const ProductListSchema = z.strictObject({
  products: z.array(ProductSummarySchema),
  /** Where there are more: what the next page is asked for with as `after`. */
  next: ProductIdSchema.optional(),
});

const SwitchRecordsSchema = z.strictObject({ records: z.array(SwitchRecordViewSchema) });

export const PRODUCT_ROUTES = {
  listProducts: {
    method: 'GET',
    path: 'fleet/products',
    access: ['viewer'],
    query: ListProductsSchema,
    result: ProductListSchema,
    summary: 'The products that the caller may look at, by id, page by page.',
  },
  getProduct: {
    method: 'GET',
    path: 'fleet/products/{productId}',
    access: ['viewer'],
    params: product,
    result: ProductViewSchema,
    summary: 'A product and what it allows.',
  },
  putProduct: {
    method: 'PUT',
    path: 'fleet/products/{productId}',
    access: ['admin'],
    params: product,
    body: PutProductSchema,
    maxBytes: JSON_BYTES,
    result: ProductViewSchema,
    summary: 'Create or change a product.',
  },
  pauseProduct: {
    method: 'POST',
    path: 'fleet/products/{productId}/pause',
    access: ['operator'],
    params: product,
    body: z.strictObject({ reason: z.string().min(1).max(1000) }),
    maxBytes: JSON_BYTES,
    result: ProductViewSchema,
    summary: 'Stop its claims and nobody else’s; what runs goes on.',
  },
  resumeProduct: {
    method: 'POST',
    path: 'fleet/products/{productId}/resume',
    access: ['operator'],
    params: product,
    result: ProductViewSchema,
    summary: 'Let a paused product go on.',
  },
  getBudget: {
    method: 'GET',
    path: 'fleet/products/{productId}/budget',
    access: ['viewer'],
    params: product,
    result: BudgetViewSchema,
    summary: 'What a product may spend, has spent and has reserved.',
  },
  putBudget: {
    method: 'PUT',
    path: 'fleet/products/{productId}/budget',
    access: ['admin'],
    params: product,
    body: PutBudgetSchema,
    maxBytes: JSON_BYTES,
    result: BudgetViewSchema,
    summary: 'Set ceilings; null takes one away, what is left out stays.',
  },
  getBurndown: {
    method: 'GET',
    path: 'fleet/products/{productId}/burndown',
    access: ['viewer'],
    params: product,
    query: BurndownQuerySchema,
    result: BurndownSchema,
    summary: 'What was spent day by day, and where that leads.',
  },
  listSwitches: {
    method: 'GET',
    path: 'fleet/switches',
    access: ['viewer'],
    result: SwitchListSchema,
    summary: 'The kill switches that are on.',
  },
  listSwitchRecords: {
    method: 'GET',
    path: 'fleet/switches/records',
    access: ['viewer'],
    query: ListSwitchRecordsSchema,
    result: SwitchRecordsSchema,
    summary: 'Who halted and resumed what, when and why: the newest first.',
  },
  halt: {
    method: 'POST',
    path: 'fleet/halt',
    access: ['operator'],
    body: HaltSchema,
    maxBytes: JSON_BYTES,
    result: SwitchListSchema,
    summary: 'Kill switch: stop the claims of a scope at once, and its runs at their next renewal.',
  },
  resume: {
    method: 'POST',
    path: 'fleet/resume',
    access: ['operator'],
    body: ResumeSchema,
    maxBytes: JSON_BYTES,
    result: SwitchListSchema,
    summary: 'Let a halted scope go on.',
  },
} as const satisfies Record<string, RouteSpec>;
