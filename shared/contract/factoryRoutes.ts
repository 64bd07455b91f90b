/** Routes of factories: how they join, what they call with, and how they are thrown out. Part of the table in routes.ts. */
import { z } from 'zod';
import {
  DrainFactorySchema,
  DrainedSchema,
  EnrolFactorySchema,
  EnrolledSchema,
  EnrolmentSchema,
  EnrolmentTokenSchema,
  FactoryListSchema,
  FactoryTokenSchema,
  LeftSchema,
  PathSchemas,
  RevokedSchema,
  RevokeFactorySchema,
} from './api.js';
import { FactoryIdSchema } from './fleet.js';
import { HandedOverSchema, HandOverSchema } from './handOver.js';
import type { RouteSpec } from './routes.js';

const JSON_BYTES = 256 * 1024;
/** A manifest of 256 KB, and changes with up to 2,000 file names each; a batch of Cosmos DB takes 2 MB. */
const HAND_OVER_BYTES = 2 * 1024 * 1024;

export const FACTORY_ROUTES = {
  createEnrolment: {
    method: 'POST',
    path: 'fleet/enrolments',
    access: ['admin'],
    body: EnrolmentSchema,
    maxBytes: JSON_BYTES,
    result: EnrolmentTokenSchema,
    status: 201,
    summary: 'A one-time token for a new factory.',
  },
  enrolFactory: {
    method: 'POST',
    path: 'fleet/factories',
    access: ['enrolment'],
    body: EnrolFactorySchema,
    maxBytes: JSON_BYTES,
    result: EnrolledSchema,
    status: 201,
    summary: 'Trade the one-time token for a scoped one; join pools.',
  },
  listFactories: {
    method: 'GET',
    path: 'fleet/factories',
    access: ['viewer'],
    result: FactoryListSchema,
    summary: 'The fleet.',
  },
  rotateToken: {
    method: 'POST',
    path: 'fleet/factories/token',
    access: ['factory'],
    result: FactoryTokenSchema,
    summary: 'A new token for a factory; the one it calls with holds until the next rotation.',
  },
  leaveFleet: {
    method: 'POST',
    path: 'fleet/factories/leave',
    access: ['factory'],
    result: LeftSchema,
    summary: 'A factory that ends in order says so: it is offline until it claims again.',
  },
  handOverJob: {
    method: 'POST',
    path: 'fleet/products/{productId}/handover',
    access: ['factory'],
    params: z.object({ productId: PathSchemas.productId }),
    body: HandOverSchema,
    maxBytes: HAND_OVER_BYTES,
    result: HandedOverSchema,
    summary: 'What a factory did of a job from its folder while the control plane was away. Safe to repeat.',
  },
  drainFactory: {
    method: 'POST',
    path: 'fleet/factories/{factoryId}/drain',
    access: ['operator'],
    params: z.object({ factoryId: FactoryIdSchema }),
    body: DrainFactorySchema,
    maxBytes: JSON_BYTES,
    result: DrainedSchema,
    summary:
      'Ask a factory to go away: nothing more is given to it, and it gives its jobs back with its next renewal.',
  },
  revokeFactory: {
    method: 'POST',
    path: 'fleet/factories/{factoryId}/revoke',
    access: ['admin'],
    params: z.object({ factoryId: FactoryIdSchema }),
    body: RevokeFactorySchema,
    maxBytes: JSON_BYTES,
    result: RevokedSchema,
    summary: 'Throw a factory out: its tokens are worth nothing, and its jobs go back to the queue.',
  },
} as const satisfies Record<string, RouteSpec>;
