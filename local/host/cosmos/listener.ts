// A Cosmos trigger's listener: reads the change feed of the ranges whose leases this instance holds, hands each page
// to the function and notes how far it came. When the function's retries are used up the page is noted as done all
// the same: as on Azure, a failed batch is lost.
import type { ChangeFeedStartFrom, Container, CosmosClient } from '@azure/cosmos';
import type { CosmosTrigger, HostedFunction } from '../functions.js';
import type { Invoker } from '../invoker.js';
import type { Log } from '../log.js';
import { pause } from '../pause.js';
import { LeaseStore } from './leases.js';
import type { LeaseDocument } from './leases.js';

export interface CosmosListenerOptions {
  client: CosmosClient;
  leaseClient: CosmosClient;
  invoker: Invoker;
  log: Log;
  /** Written into the leases that this instance holds. */
  instanceId: string;
}

export class CosmosListener {
  readonly #fn: HostedFunction<CosmosTrigger>;
  readonly #options: CosmosListenerOptions;
  readonly #stop = new AbortController();
  /** Lease id → the reading of its range. */
  readonly #readers = new Map<string, Promise<void>>();
  readonly #startTime = new Date();
  #balancing: Promise<void> = Promise.resolve();

  constructor(fn: HostedFunction<CosmosTrigger>, options: CosmosListenerOptions) {
    this.#fn = fn;
    this.#options = options;
  }

  /** Ready when this instance reads its share. @throws Error naming a container that is missing */
  async start(): Promise<void> {
    const { trigger } = this.#fn;
    const { client, leaseClient, instanceId } = this.#options;
    const container = client.database(trigger.databaseName).container(trigger.containerName);
    const [ranges, { resource: definition }] = await Promise.all([
      named(container, () => container.getFeedRanges()),
      named(container, () => container.read()),
    ]);
    const { host } = new URL(await client.getWriteEndpoint());
    const leases = new LeaseStore({
      container: await leaseContainer(leaseClient, trigger),
      prefix: `${trigger.leaseContainerPrefix}${host.replace(/:\d+$/, '')}_${definition?._rid ?? container.id}`,
      owner: instanceId,
      expiration: trigger.leaseExpirationInterval,
    });
    await leases.prepare(ranges);
    const take = async (): Promise<void> => {
      for (const lease of await leases.acquire(new Set(this.#readers.keys()))) {
        const reader = this.#read(lease, leases, container)
          .catch((error: unknown) => this.#warn(`reading ended: ${String(error)}`))
          .finally(() => this.#readers.delete(lease.id));
        this.#readers.set(lease.id, reader);
      }
    };
    await take();
    this.#balancing = this.#every(trigger.leaseAcquireInterval, this.#stop.signal, take);
  }

  /** Reads no further, waits for the pages in work and gives the leases back. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#balancing;
    await Promise.all(this.#readers.values());
  }

  async #read(first: LeaseDocument, leases: LeaseStore, container: Container): Promise<void> {
    const { trigger } = this.#fn;
    const lost = new AbortController();
    const ended = AbortSignal.any([this.#stop.signal, lost.signal]);
    // Renewals and checkpoints of one lease follow each other, or they would refuse one another's etag.
    let lease = first;
    let writing: Promise<void> = Promise.resolve();
    const write = (change: Partial<LeaseDocument>): Promise<void> => {
      writing = writing.then(async () => {
        if (lost.signal.aborted) return;
        const written = await leases.write(lease, change);
        if (written) lease = written;
        else lost.abort();
      });
      return writing;
    };
    const renewing = this.#every(trigger.leaseRenewInterval, ended, () => write({}));
    const iterator = container.items.getChangeFeedIterator({
      maxItemCount: trigger.maxItemsPerInvocation,
      changeFeedStartFrom: await this.#startFrom(first, container),
    });
    while (!ended.aborted) {
      const page = await iterator.readNext().catch((error: unknown) => {
        if (!ended.aborted) this.#warn(`the change feed could not be read: ${String(error)}`);
      });
      if (!page || page.count === 0) {
        await pause(trigger.feedPollDelay, ended);
        continue;
      }
      const input = {
        data: { string: JSON.stringify(page.result) },
        reason: `${page.count} changes in ${trigger.containerName}`,
      };
      try {
        await this.#options.invoker.runWithRetries(this.#fn, input, this.#stop.signal);
      } catch {
        // What a stopping host cut short is read again by whoever comes next.
        if (this.#stop.signal.aborted) break;
        this.#warn(`a batch of ${page.count} changes failed and, as on Azure, is lost.`);
      }
      await write({ ContinuationToken: page.continuationToken }).catch((error: unknown) => {
        this.#warn(`a checkpoint could not be written, so the batch will come again: ${String(error)}`);
        lost.abort();
      });
    }
    await write({ Owner: null }).catch(() => undefined);
    lost.abort();
    await renewing;
  }

  /** Without a checkpoint the feed starts when the host did, as on Azure, unless told otherwise. */
  async #startFrom(lease: LeaseDocument, container: Container): Promise<ChangeFeedStartFrom> {
    const { ChangeFeedStartFrom: start } = await import('@azure/cosmos');
    if (lease.ContinuationToken) return start.Continuation(lease.ContinuationToken);
    const ranges = await container.getFeedRanges();
    const range = ranges.find(
      ({ minInclusive, maxExclusive }) => `${minInclusive}-${maxExclusive}` === lease.LeaseToken,
    );
    if (!range) throw new Error(`The range ${lease.LeaseToken} has been split; restart the host.`);
    const { startFromBeginning, startFromTime } = this.#fn.trigger;
    if (startFromBeginning) return start.Beginning(range);
    return start.Time(startFromTime ? new Date(startFromTime) : this.#startTime, range);
  }

  async #every(ms: number, stop: AbortSignal, run: () => Promise<void>): Promise<void> {
    for (;;) {
      await pause(ms, stop);
      if (stop.aborted) return;
      await run().catch((error: unknown) => this.#warn(`leases: ${String(error)}`));
    }
  }

  #warn(message: string): void {
    this.#options.log('warning', 'Host.Triggers.CosmosDB', `"${this.#fn.name}": ${message}`);
  }
}

async function leaseContainer(client: CosmosClient, trigger: CosmosTrigger): Promise<Container> {
  const database = client.database(trigger.leaseDatabaseName);
  if (trigger.createLeaseContainerIfNotExists) {
    const definition = { id: trigger.leaseContainerName, partitionKey: { paths: ['/id'] } };
    return (await database.containers.createIfNotExists(definition)).container;
  }
  const container = database.container(trigger.leaseContainerName);
  await named(container, () => container.read());
  return container;
}

async function named<T>(container: Container, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if ((error as { code?: number }).code !== 404) throw error;
    const name = `"${container.id}" in the database "${container.database.id}"`;
    throw new Error(`There is no container ${name}: create it first.`, { cause: error });
  }
}
