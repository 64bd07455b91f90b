// What timers keep in the host's storage account (`AzureWebJobsStorage`): each schedule's status, and the lock that
// lets one instance alone run a timer. Names and forms are the real host's.
import { createHash } from 'node:crypto';
import type { BlockBlobClient, ContainerClient } from '@azure/storage-blob';
import type { ScheduleStatus, TimerStorage } from './listener.js';
import { pause } from '../pause.js';

/** s; what Blob Storage allows for a lease that ends by itself. */
const SHORTEST_LEASE = 15;
const LONGEST_LEASE = 60;

export interface TimerStorageOptions {
  /** `azure-webjobs-hosts` of the storage account; created when missing. */
  container: ContainerClient;
  hostId: string;
  /** An instance that comes back under its name takes its own locks over at once. */
  instanceId: string;
  /** ms a lock outlives an instance that died */
  lockPeriod: number;
  /** ms between attempts at a lock that another instance holds */
  recoveryInterval: number;
}

export class BlobTimerStorage implements TimerStorage {
  readonly #options: TimerStorageOptions;
  #created: Promise<unknown> | undefined;

  constructor(options: TimerStorageOptions) {
    this.#options = options;
  }

  async readStatus(functionName: string): Promise<ScheduleStatus | undefined> {
    try {
      const text = await (await this.#blob('timers', functionName, '/status')).downloadToBuffer();
      const { Last, Next, LastUpdated } = JSON.parse(text.toString('utf8')) as Record<string, string>;
      const status = {
        last: new Date(Last ?? NaN),
        next: new Date(Next ?? NaN),
        lastUpdated: new Date(LastUpdated ?? NaN),
      };
      return Number.isNaN(status.next.getTime() + status.last.getTime()) ? undefined : status;
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  async writeStatus(functionName: string, { last, next, lastUpdated }: ScheduleStatus): Promise<void> {
    const text = JSON.stringify({ Last: last, Next: next, LastUpdated: lastUpdated });
    await (await this.#blob('timers', functionName, '/status')).upload(text, Buffer.byteLength(text));
  }

  async lock(
    functionName: string,
    stop: AbortSignal,
  ): Promise<{ release(): Promise<void>; lost: AbortSignal }> {
    const { lockPeriod, recoveryInterval, instanceId } = this.#options;
    const blob = await this.#blob('locks', functionName, '.Listener');
    const lease = blob.getBlobLeaseClient(leaseId(instanceId, functionName));
    const seconds = Math.min(LONGEST_LEASE, Math.max(SHORTEST_LEASE, Math.round(lockPeriod / 1_000)));
    for (;;) {
      stop.throwIfAborted();
      try {
        await lease.acquireLease(seconds);
        break;
      } catch (error) {
        if (statusOf(error) === 404) await blob.upload('', 0, { conditions: { ifNoneMatch: '*' } });
        else if (statusOf(error) === 409) await pause(recoveryInterval, stop);
        else throw error;
      }
    }
    const lost = new AbortController();
    const renewal = setInterval(() => {
      lease.renewLease().catch((error: unknown) => {
        clearInterval(renewal);
        lost.abort(error);
      });
    }, seconds * 500);
    return {
      lost: lost.signal,
      release: async () => {
        clearInterval(renewal);
        // A lease that is gone already needs no release, and one that cannot be released ends by itself.
        await lease.releaseLease().catch(() => undefined);
      },
    };
  }

  async #blob(folder: 'timers' | 'locks', functionName: string, ending: string): Promise<BlockBlobClient> {
    const { container, hostId } = this.#options;
    this.#created ??= container.createIfNotExists();
    await this.#created;
    return container.getBlockBlobClient(`${folder}/${hostId}/Host.Functions.${functionName}${ending}`);
  }
}

const statusOf = (error: unknown): number | undefined =>
  (error as { statusCode?: number } | undefined)?.statusCode;

/** The same GUID for the same instance and function. */
function leaseId(instanceId: string, functionName: string): string {
  const hex = createHash('sha256').update(`${instanceId}/${functionName}`).digest('hex');
  return hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
