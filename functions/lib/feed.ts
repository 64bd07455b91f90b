import { app as functionApp, type CosmosDBv4Handler } from '@azure/functions';
import { DATABASE, FEED_LEASES, JOBS } from '../../shared/topology.js';
import { app } from './app.js';
import { workOnBatch } from './feedBatch.js';
import { FEEDS, type FeedName } from '../operations/feeds.js';
import { logTo } from './log.js';
import { feedPollMs } from './settings.js';

const RETRY_SECONDS = 5;

/**
 * Registers a function on the event log of all jobs. Each event is delivered at least once, those of a job in order.
 * The platform would drop a batch whose retries are used up, so they never are: an event that cannot be worked on is
 * parked after some attempts, and a service that is away is waited for.
 * @returns the handler, for tests
 */
export function feedFunction(name: FeedName): CosmosDBv4Handler {
  const handler: CosmosDBv4Handler = async (documents, context) => {
    const { deps } = await app();
    await workOnBatch(
      deps(logTo(context)),
      { name, operate: FEEDS[name] },
      documents,
      context.retryContext?.retryCount ?? 0,
    );
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
