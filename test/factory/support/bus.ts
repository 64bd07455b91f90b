/** A real bus with the topology's queues, and tickets sent through the real SDK. */
import { startServiceBus, type ServiceBus } from '../../../local/servicebus/server.js';
import type { Bus } from '../../../shared/cloud/bus.js';
import { openServiceBus } from '../../../shared/cloud/serviceBus.js';
import type { Claim } from '../../../shared/contract/api.js';
import { poolQueueName, QUEUES } from '../../../shared/topology.js';

export class TestBus implements AsyncDisposable {
  readonly server: ServiceBus;
  private readonly sender: Bus;

  private constructor(server: ServiceBus, sender: Bus) {
    this.server = server;
    this.sender = sender;
  }

  static async start(): Promise<TestBus> {
    const server = await startServiceBus({ queues: QUEUES });
    return new TestBus(server, await openServiceBus(settingOf(server)));
  }

  get setting(): { readonly kind: 'connectionString'; readonly value: string } {
    return settingOf(this.server);
  }

  /** Rings for a job in a pool; another `mark` is another ticket for it, which the queue does not drop. */
  async ring({ job }: Claim, pool = 'any', mark = ''): Promise<void> {
    const { jobId, lane, epoch } = job;
    await this.sender.send(poolQueueName(pool), {
      body: { ticket: { pool, lane, jobId, epoch } },
      messageId: `${jobId}.${epoch}${mark}`,
      sessionId: lane,
    });
  }

  /** How many tickets are in the queue, locked ones included. */
  waiting(pool = 'any'): number {
    return this.server.engine.queue(poolQueueName(pool)).counts().active;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sender.close();
    await this.server.close();
  }
}

const settingOf = ({ connectionString }: ServiceBus) =>
  ({ kind: 'connectionString', value: connectionString }) as const;
