import { app as functionApp, type CosmosDBv4Handler } from '@azure/functions';
import { CloudError } from '../../shared/cloud/errors.js';
import { JobEventSchema, type JobEvent } from '../../shared/contract/event.js';
import { DATABASE, FEED_LEASES, JOBS } from '../../shared/topology.js';
import type { Deps } from '../operations/deps.js';
import { park } from '../operations/park.js';
import { app } from './app.js';
import { logTo } from './log.js';
import { feedPollMs } from './settings.js';

const RETRY_SECONDS = 5;
/** An event that fails so often by itself, while every service is there, is put aside. */
const PARK_AFTER = 5;
/** Jobs of one batch that are worked on side by side. */
const CONCURRENCY = 16;

/**
 * Registers a function on the event log of all jobs. Each event is delivered at least once, those of a job in order.
 * The platform would drop a batch whose retries are used up, so they never are: an event that cannot be worked on is
 * parked after some attempts, and a service that is away is waited for.
 * @returns the handler, for tests
 */
export function feedFunction(
  name: string,
  operate: (deps: Deps, event: JobEvent) => Promise<void>,
): CosmosDBv4Handler {
  const handler: CosmosDBv4Handler = async (documents, context) => {
    const { deps: depsFor } = await app();
    const deps = depsFor(logTo(context));
    const lastTry = (context.retryContext?.retryCount ?? 0) >= PARK_AFTER;
    const failures: unknown[] = [];

    const ofOneJob = async (events: readonly unknown[]): Promise<void> => {
      for (const document of events) {
        try {
          await operate(deps, readEvent(document));
        } catch (error) {
          if (!lastTry || isOutage(error)) {
            failures.push(error);
            return;
          }
          await park(deps, { ...identify(document), by: name, what: document, error });
        }
      }
    };
    const jobs = byJob(documents);
    await Promise.all(
      Array.from({ length: Math.min(CONCURRENCY, jobs.length) }, async () => {
        for (let events = jobs.shift(); events; events = jobs.shift()) await ofOneJob(events);
      }),
    );
    if (failures.length > 0) throw failures[0];
  };
  functionApp.cosmosDB(name, {
    connection: 'COSMOS',
    databaseName: DATABASE,
    containerName: JOBS,
    leaseContainerName: FEED_LEASES,
    leaseContainerPrefix: `${name}-`,
    createLeaseContainerIfNotExists: false,
    feedPollDelay: feedPollMs(process.env),
    startFromBeginning: true,
    retry: { strategy: 'fixedDelay', maxRetryCount: -1, delayInterval: { seconds: RETRY_SECONDS } },
    handler,
  });
  return handler;
}

const isOutage = (error: unknown): boolean =>
  error instanceof CloudError && (error.kind === 'unavailable' || error.kind === 'throttled');

/** Events only, grouped by job and in the order of the feed. */
function byJob(documents: readonly unknown[]): unknown[][] {
  const groups = new Map<string, unknown[]>();
  for (const document of documents) {
    const { type, jobId } = fields(document);
    if (type !== 'event') continue;
    const key = String(jobId as string);
    groups.set(key, [...(groups.get(key) ?? []), document]);
  }
  return [...groups.values()];
}

/** The document without what the database adds to it. */
function readEvent(document: unknown): JobEvent {
  const own = Object.entries(fields(document)).filter(([name]) => !name.startsWith('_'));
  return JobEventSchema.parse(Object.fromEntries(own));
}

function identify(document: unknown): { productId: string; id: string } {
  const { productId, jobId, id } = fields(document);
  return { productId: String(productId as string), id: `${String(jobId as string)}:${String(id as string)}` };
}

const fields = (document: unknown): Record<string, unknown> =>
  typeof document === 'object' && document !== null ? (document as Record<string, unknown>) : {};
