/**
 * The HTTP API on one screen: method, path, who may call, what goes in and out. The triggers, the client, the
 * authorisation tests and OpenAPI derive from it. Paths are below `/api`.
 */
import { z } from 'zod';
import {
  ArtifactPieceSchema,
  ChildrenAddedSchema,
  ClaimRequestSchema,
  ClaimedSchema,
  HealthSchema,
  JobDetailSchema,
  JobListSchema,
  JobResultSchema,
  ListJobsSchema,
  LogAppendedSchema,
  PathSchemas,
  RenewLeaseSchema,
  RenewedSchema,
  RunReportSchema,
  SubmitJobSchema,
  SubmittedSchema,
} from './api.js';
import { AuditReportSchema, VerifyAuditSchema } from './audit.js';
import { PlanSchema } from './children.js';
import { DagSchema } from './dag.js';
import { ArtifactPathSchema, ArtifactSchema } from './job.js';
import { ExplanationSchema } from './explanation.js';
import { FACTORY_ROUTES } from './factoryRoutes.js';
import { PARKED_ROUTES } from './parked.js';
import { PRODUCT_ROUTES } from './productRoutes.js';
import { PROFILE_ROUTES } from './profileRoutes.js';

/** Roles of people. */
export const ROLES = ['viewer', 'operator', 'reviewer', 'editor', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Roles that count as this one. Whoever edits profiles runs and ships nothing by that; an admin does everything. */
const ROLES_THAT_ARE: Record<Role, readonly Role[]> = {
  viewer: ROLES,
  operator: ['operator', 'reviewer', 'admin'],
  reviewer: ['reviewer', 'admin'],
  editor: ['editor', 'admin'],
  admin: ['admin'],
};

/** Does somebody with one role have the rights of another? */
export const includesRole = (given: Role, wanted: Role): boolean => ROLES_THAT_ARE[wanted].includes(given);

/** Who may call: people with at least that role, enrolled factories, a signed webhook, or anybody. */
export type Access = Role | 'factory' | 'signature' | 'enrolment' | 'anyone';

export interface RouteSpec {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Below `/api`, with `{parameters}`. */
  readonly path: string;
  readonly access: readonly Access[];
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** A schema for JSON; `bytes` for a raw body that the operation reads itself. */
  readonly body?: z.ZodType | 'bytes';
  /** Largest body in bytes. */
  readonly maxBytes?: number;
  /** A schema for JSON; `events` for a stream of server-sent events. */
  readonly result: z.ZodType | 'events';
  readonly status?: number;
  readonly summary: string;
}

const KB = 1024;
const MANIFEST_BYTES = 1024 * KB;
const JSON_BYTES = 256 * KB;
/** Up to a thousand manifests. */
const PLAN_BYTES = 8 * 1024 * KB;
/** GitHub sends at most 25 MB; an `issues` payload is far smaller. */
const WEBHOOK_BYTES = 1024 * KB;
/** One append block of Blob Storage is at most 4 MiB. */
const LOG_CHUNK_BYTES = 4 * 1024 * KB;
/** Larger files belong into a store of their own. */
export const MAX_ARTIFACT_BYTES = 16 * 1024 * KB;

const job = z.object({ jobId: PathSchemas.jobId });
const run = job.extend({ epoch: PathSchemas.epoch });
const product = z.object({ productId: PathSchemas.productId });

export const ROUTES = {
  getHealth: {
    method: 'GET',
    path: 'fleet/health',
    access: ['anyone'],
    result: HealthSchema,
    summary: 'Is every part there?',
  },
  getOpenApi: {
    method: 'GET',
    path: 'fleet/openapi.json',
    access: ['anyone'],
    result: z.record(z.string(), z.unknown()),
    summary: 'This API in OpenAPI 3.1.',
  },
  getManifestSchema: {
    method: 'GET',
    path: 'fleet/schemas/manifest',
    access: ['anyone'],
    result: z.record(z.string(), z.unknown()),
    summary: 'The JSON Schema of a manifest.',
  },
  getPlanSchema: {
    method: 'GET',
    path: 'fleet/schemas/plan',
    access: ['anyone'],
    result: z.record(z.string(), z.unknown()),
    summary: 'The JSON Schema of a plan.',
  },
  submitJob: {
    method: 'POST',
    path: 'fleet/jobs',
    access: ['operator'],
    body: SubmitJobSchema,
    maxBytes: MANIFEST_BYTES,
    result: SubmittedSchema,
    status: 201,
    summary: 'Submit a job: 201, or 200 when it was there already.',
  },
  listJobs: {
    method: 'GET',
    path: 'fleet/jobs',
    access: ['viewer'],
    query: ListJobsSchema,
    result: JobListSchema,
    summary: 'Jobs, the newest first.',
  },
  getJob: {
    method: 'GET',
    path: 'fleet/jobs/{jobId}',
    access: ['viewer'],
    params: job,
    result: JobDetailSchema,
    summary: 'One job with its runs and events.',
  },
  explainJob: {
    method: 'GET',
    path: 'fleet/jobs/{jobId}/explanation',
    access: ['viewer'],
    params: job,
    result: ExplanationSchema,
    summary: 'Why it runs where it runs, or why it waits.',
  },
  getDag: {
    method: 'GET',
    path: 'fleet/jobs/{jobId}/dag',
    access: ['viewer'],
    params: job,
    result: DagSchema,
    summary: 'The jobs that it waits for and those that wait for it, over any number of steps.',
  },
  addChildren: {
    method: 'POST',
    path: 'fleet/jobs/{jobId}/children',
    access: ['operator'],
    params: job,
    body: PlanSchema,
    maxBytes: PLAN_BYTES,
    result: ChildrenAddedSchema,
    status: 201,
    summary: 'Give a composite job its children: all of them or none. The same plan again changes nothing.',
  },
  shipJob: {
    method: 'POST',
    path: 'fleet/jobs/{jobId}/ship',
    access: ['reviewer'],
    params: job,
    result: JobResultSchema,
    status: 202,
    summary: 'Merge the change; a factory does it.',
  },
  cancelJob: {
    method: 'POST',
    path: 'fleet/jobs/{jobId}/cancel',
    access: ['operator'],
    params: job,
    body: z.strictObject({ reason: z.string().min(1).max(1000) }),
    maxBytes: JSON_BYTES,
    result: JobResultSchema,
    summary: 'Stop it and do not retry.',
  },
  requeueJob: {
    method: 'POST',
    path: 'fleet/jobs/{jobId}/requeue',
    access: ['operator'],
    params: job,
    body: z.strictObject({ reason: z.string().min(1).max(1000) }),
    maxBytes: JSON_BYTES,
    result: JobResultSchema,
    summary: 'Run it once more from the start.',
  },
  approveJob: {
    method: 'POST',
    path: 'fleet/jobs/{jobId}/approve',
    access: ['reviewer'],
    params: job,
    result: JobResultSchema,
    summary: 'A yes to the change; its review policy counts them.',
  },
  rejectJob: {
    method: 'POST',
    path: 'fleet/jobs/{jobId}/reject',
    access: ['reviewer'],
    params: job,
    body: z.strictObject({ reason: z.string().min(1).max(1000) }),
    maxBytes: JSON_BYTES,
    result: JobResultSchema,
    summary: 'Turn the change down, with the reason.',
  },
  promoteJob: {
    method: 'POST',
    path: 'fleet/jobs/{jobId}/promote',
    access: ['reviewer'],
    params: job,
    result: JobResultSchema,
    summary: 'Take a change out of review into testing without shipping it.',
  },
  overrideJob: {
    method: 'POST',
    path: 'fleet/jobs/{jobId}/override',
    access: ['admin'],
    params: job,
    body: z.strictObject({ reason: z.string().min(1).max(1000) }),
    maxBytes: JSON_BYTES,
    result: JobResultSchema,
    summary: 'Let a change ship that left its allowed scope, with the reason.',
  },
  holdJob: {
    method: 'POST',
    path: 'fleet/jobs/{jobId}/hold',
    access: ['operator'],
    params: job,
    body: z.strictObject({ reason: z.string().min(1).max(1000) }),
    maxBytes: JSON_BYTES,
    result: JobResultSchema,
    summary: 'Keep it where it is: nobody claims or ships it.',
  },
  pauseJob: {
    method: 'POST',
    path: 'fleet/jobs/{jobId}/pause',
    access: ['operator'],
    params: job,
    body: z.strictObject({ reason: z.string().min(1).max(1000) }),
    maxBytes: JSON_BYTES,
    result: JobResultSchema,
    summary: 'Stop the run and keep the job in the queue until it is resumed.',
  },
  resumeJob: {
    method: 'POST',
    path: 'fleet/jobs/{jobId}/resume',
    access: ['operator'],
    params: job,
    result: JobResultSchema,
    summary: 'Lift a hold or a pause.',
  },
  streamLog: {
    method: 'GET',
    path: 'fleet/jobs/{jobId}/runs/{epoch}/log',
    access: ['viewer'],
    params: run,
    result: 'events',
    summary: 'The log of a run, live; Last-Event-ID resumes.',
  },
  verifyAudit: {
    method: 'GET',
    path: 'fleet/audit',
    access: ['reviewer'],
    query: VerifyAuditSchema,
    result: AuditReportSchema,
    summary: 'Is the record whole? Every job, those of a product, or one.',
  },
  claimJobs: {
    method: 'POST',
    path: 'fleet/claim',
    access: ['factory'],
    body: ClaimRequestSchema,
    maxBytes: JSON_BYTES,
    result: ClaimedSchema,
    summary: 'Claim what the scheduler gives for the free stations.',
  },
  renewLease: {
    method: 'POST',
    path: 'fleet/jobs/{jobId}/runs/{epoch}/renew',
    access: ['factory'],
    params: run,
    body: RenewLeaseSchema,
    maxBytes: JSON_BYTES,
    result: RenewedSchema,
    summary: 'Keep the lease; learn what to do.',
  },
  reportRun: {
    method: 'POST',
    path: 'fleet/jobs/{jobId}/runs/{epoch}/report',
    access: ['factory'],
    params: run,
    body: RunReportSchema,
    maxBytes: PLAN_BYTES,
    result: JobResultSchema,
    summary: 'What happened in a run.',
  },
  appendLog: {
    method: 'POST',
    path: 'fleet/jobs/{jobId}/runs/{epoch}/log',
    access: ['factory'],
    params: run,
    query: z.strictObject({
      offset: z.coerce.number().int().nonnegative(),
      end: z.stringbool().default(false),
    }),
    body: 'bytes',
    maxBytes: LOG_CHUNK_BYTES,
    result: LogAppendedSchema,
    summary: 'Append bytes to the log of a run at an offset; `end` closes it.',
  },
  putArtifact: {
    method: 'PUT',
    path: 'fleet/jobs/{jobId}/runs/{epoch}/artifact',
    access: ['factory'],
    params: run,
    query: ArtifactSchema.pick({ path: true, sha256: true }),
    body: 'bytes',
    maxBytes: MAX_ARTIFACT_BYTES,
    result: ArtifactSchema,
    summary: 'Keep a file of a run. It counts when a report of the run names it.',
  },
  getArtifact: {
    method: 'GET',
    path: 'fleet/jobs/{jobId}/runs/{epoch}/artifact',
    access: ['viewer'],
    params: run,
    query: z.strictObject({
      path: ArtifactPathSchema,
      offset: z.coerce.number().int().nonnegative().default(0),
    }),
    result: ArtifactPieceSchema,
    summary: 'A file that a run kept, in pieces.',
  },
  ...FACTORY_ROUTES,
  ...PRODUCT_ROUTES,
  ...PROFILE_ROUTES,
  ...PARKED_ROUTES,
  receiveWebhook: {
    method: 'POST',
    path: 'fleet/webhooks/github/{productId}',
    access: ['signature'],
    params: product,
    body: 'bytes',
    maxBytes: WEBHOOK_BYTES,
    result: z.strictObject({ accepted: z.boolean(), reason: z.string().optional() }),
    summary: 'A GitHub webhook.',
  },
} as const satisfies Record<string, RouteSpec>;

export type RouteName = keyof typeof ROUTES;
