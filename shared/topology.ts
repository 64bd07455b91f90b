/**
 * The one list of what exists in the cloud: containers, queues, pools and blob containers. Bicep reads the same
 * JSON, so a name or a limit is written down once.
 */
import { readFileSync } from 'node:fs';

export interface ContainerSpec {
  readonly name: string;
  /** One path, or several for a hierarchical key. */
  readonly partitionKey: readonly string[];
  /** -1: documents carry their own `ttl`; absent: nothing expires. */
  readonly ttlSeconds?: number;
}

export interface QueueSpec {
  readonly name: string;
  readonly requiresSession: boolean;
  readonly lockDurationSeconds: number;
  readonly maxDeliveryCount: number;
  readonly duplicateDetectionWindowSeconds: number;
}

/** Factories that satisfy `capabilities` join the pool and share its queue; see shared/rules/capabilities.ts. */
export interface PoolSpec {
  readonly name: string;
  readonly capabilities: readonly string[];
  /** 1 is the cheapest to run on. */
  readonly costClass: number;
}

interface Topology {
  readonly database: string;
  readonly containers: readonly ContainerSpec[];
  readonly blobContainers: readonly string[];
  readonly queues: readonly Omit<QueueSpec, 'lockDurationSeconds'>[];
  readonly poolQueue: Omit<QueueSpec, 'name' | 'requiresSession'> & { readonly ticketTtlSeconds: number };
  readonly pools: readonly PoolSpec[];
}

// Read, not imported: importing JSON still warns on Node 20.
const topology = JSON.parse(readFileSync(new URL('./topology.json', import.meta.url), 'utf8')) as Topology;

/** Service Bus default; a tracker call ends well within it. */
const QUEUE_LOCK_SECONDS = 60;

export const DATABASE: string = topology.database;
export const CONTAINERS: readonly ContainerSpec[] = topology.containers;
export const BLOB_CONTAINERS: readonly string[] = topology.blobContainers;
export const POOLS: readonly PoolSpec[] = topology.pools;
export const TICKET_TTL_SECONDS: number = topology.poolQueue.ticketTtlSeconds;

/** The queue that carries a pool's tickets. */
export const poolQueueName = (pool: string): string => `pool-${pool}`;

export const QUEUES: readonly QueueSpec[] = [
  ...topology.queues.map((queue) => ({ lockDurationSeconds: QUEUE_LOCK_SECONDS, ...queue })),
  ...topology.pools.map((pool) => ({
    name: poolQueueName(pool.name),
    requiresSession: true,
    lockDurationSeconds: topology.poolQueue.lockDurationSeconds,
    maxDeliveryCount: topology.poolQueue.maxDeliveryCount,
    duplicateDetectionWindowSeconds: topology.poolQueue.duplicateDetectionWindowSeconds,
  })),
];

/** The names that the code uses; a name that the list lacks fails at start, not at the first request. */
const containerNamed = (name: string): string => {
  if (!CONTAINERS.some((container) => container.name === name))
    throw new Error(`topology.json has no container ${name}`);
  return name;
};

export const JOBS = containerNamed('fleet_jobs');
export const READY = containerNamed('fleet_ready');
export const LEASES = containerNamed('fleet_leases');
export const FACTORIES = containerNamed('fleet_factories');
export const PROFILES = containerNamed('fleet_profiles');
export const BUDGETS = containerNamed('fleet_budgets');
export const CONTROL = containerNamed('fleet_control');
export const FEED_LEASES = containerNamed('fleet_feed_leases');
export const TRACKER_INBOX = 'tracker-inbox';
export const TRACKER_OUTBOX = 'tracker-outbox';
/** The reserved product of documents that belong to the whole fleet. */
export const FLEET = 'fleet';
