import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openTickets, type Tickets } from '../../../shared/cloud/tickets.js';
import { poolQueueName } from '../../../shared/topology.js';
import { startTestCloud, type TestCloud } from '../../support/cloud.js';
import { drain } from '../../support/queues.js';

const QUEUE = poolQueueName('any');
let cloud: TestCloud;
let tickets: Tickets;
beforeAll(async () => {
  cloud = await startTestCloud();
  tickets = await openTickets({ kind: 'connectionString', value: cloud.serviceBus.connectionString });
});
beforeEach(() => drain(cloud, QUEUE, { sessions: true }));
afterAll(async () => {
  await tickets.close();
  await cloud.close();
});

let sent = 0;
const ticket = (lane: string) => ({ ticket: { pool: 'any', lane, jobId: 'job-0123456789abcdef', epoch: 0 } });
const send = (lane: string, body: object = ticket(lane)): Promise<void> =>
  cloud.bus.send(QUEUE, { body, sessionId: lane, messageId: `m${(sent += 1)}` });
const forever = (): AbortSignal => new AbortController().signal;

describe('a receiver of tickets', () => {
  it('waits for one, holds its lane for the claim, and completes it', async () => {
    const heard: string[] = [];
    const waiting = tickets.next(
      QUEUE,
      async ({ lane }) => {
        heard.push(lane);
        expect(await cloud.bus.waiting(QUEUE, 10)).toHaveLength(1);
      },
      forever(),
    );
    await send('lane-1');
    expect(await waiting).toBe(true);
    expect(heard).toEqual(['lane-1']);
    expect(await cloud.bus.waiting(QUEUE, 10)).toEqual([]);
  });

  it('ends its wait when the connection is made anew, and hears the next ticket on the new one', async () => {
    const waiting = tickets.next(QUEUE, () => Promise.resolve(), forever());
    const [lost] = await Promise.allSettled([waiting, tickets.reopen()]);
    expect(lost).toMatchObject({ status: 'rejected', reason: { kind: 'unavailable' } });
    await send('lane-6');
    const lanes: string[] = [];
    const heard = tickets.next(QUEUE, async ({ lane }) => void lanes.push(lane), forever());
    expect(await heard).toBe(true);
    expect(lanes).toEqual(['lane-6']);
  });

  it('gives the ticket back when the claim fails, so that another one hears it at once', async () => {
    await send('lane-2');
    const failing = tickets.next(
      QUEUE,
      () => Promise.reject(new Error('the coordinator is away')),
      forever(),
    );
    await expect(failing).rejects.toThrow('the coordinator is away');
    const lanes: string[] = [];
    await tickets.next(
      QUEUE,
      async ({ lane }) => {
        lanes.push(lane);
      },
      forever(),
    );
    expect(lanes).toEqual(['lane-2']);
  });

  it('puts aside what is no ticket and goes on', async () => {
    await send('lane-3', { hello: 1 });
    await send('lane-4');
    const lanes: string[] = [];
    await tickets.next(
      QUEUE,
      async ({ lane }) => {
        lanes.push(lane);
      },
      forever(),
    );
    expect(lanes).toEqual(['lane-4']);
    expect(cloud.serviceBus.engine.queue(QUEUE).counts().deadLetters).toBe(1);
  });

  it('stops waiting when it is told to', async () => {
    const stop = new AbortController();
    const waiting = tickets.next(QUEUE, async () => {}, stop.signal);
    stop.abort();
    expect(await waiting).toBe(false);
  });
});
