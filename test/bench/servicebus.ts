// The Service Bus emulator's figures, with the real client against a broker in a process of its own that stores
// what it acknowledges (`--data`); "inMemory" figures are without. 1 KB messages. No other local broker speaks
// this client's protocol without containers, so there is no peer to compare with.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { ServiceBusClient, type ServiceBusMessage } from '@azure/service-bus';
import { VirtualClock } from '../../local/clock.js';
import { Engine } from '../../local/servicebus/engine.js';
import { percentile } from './statistics.js';

const ENTRY = path.resolve('dist/local/servicebus/main.js');
const BODY = Buffer.alloc(1_024, 'x');
const BATCH = 100;
const SENT = 20_000;
const QUEUED = 10_000;
const SUBSCRIBED = 10_000;
const SESSION_MESSAGES = 8_000;
const SESSIONS = 8;
const LATENCIES = 500;
const RESTARTED = 100_000;
const ENGINE_MESSAGES = 1_000_000;

interface Broker {
  readonly child: ChildProcess;
  readonly connectionString: string;
  stop(): Promise<void>;
}

async function start(directory: string, isDurable: boolean): Promise<Broker> {
  const config = path.join(directory, 'queues.json');
  const queues = [{ name: 'plain' }, { name: 'latency' }, { name: 'sessions', requiresSession: true }];
  writeFileSync(config, JSON.stringify({ queues }));
  const args = ['--config', config, ...(isDurable ? ['--data', path.join(directory, 'data')] : [])];
  const child = fork(ENTRY, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const [{ connectionString }] = (await once(child, 'message')) as [{ connectionString: string }];
  return {
    child,
    connectionString,
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

/** Resident memory of a broker, MB; Linux only, 0 elsewhere. */
function residentMb({ child }: Broker): number {
  if (process.platform !== 'linux') return 0;
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024);
}

const messages = (count: number, more: Partial<ServiceBusMessage> = {}): ServiceBusMessage[] =>
  Array.from({ length: count }, () => ({ body: BODY, ...more }));

/** Sends in batches of 100, four under way at a time; returns messages a second. */
async function sendBatches(client: ServiceBusClient, queue: string, count: number): Promise<number> {
  const sender = client.createSender(queue);
  let left = count;
  const started = performance.now();
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= BATCH;
      await sender.sendMessages(messages(BATCH));
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  return (count / (performance.now() - started)) * 1_000;
}

/** Receives and completes by subscription; returns messages a second. */
async function subscribe(client: ServiceBusClient, count: number, calls: number): Promise<number> {
  const receiver = client.createReceiver('plain');
  let left = count;
  const started = performance.now();
  await new Promise<void>((resolve, reject) => {
    receiver.subscribe(
      {
        processMessage: async (message) => {
          await receiver.completeMessage(message);
          if (--left === 0) resolve();
        },
        processError: async ({ error }) => reject(error),
      },
      { maxConcurrentCalls: calls, autoCompleteMessages: false },
    );
  });
  const elapsedMs = performance.now() - started;
  await receiver.close();
  return (count / elapsedMs) * 1_000;
}

/** Eight sessions at once, each received and completed one message after the other. */
async function sessions(client: ServiceBusClient): Promise<number> {
  const sender = client.createSender('sessions');
  const each = SESSION_MESSAGES / SESSIONS;
  for (let id = 0; id < SESSIONS; id++)
    for (let from = 0; from < each; from += BATCH)
      await sender.sendMessages(messages(BATCH, { sessionId: `s${id}` }));
  const started = performance.now();
  await Promise.all(
    Array.from({ length: SESSIONS }, async () => {
      const session = await client.acceptNextSession('sessions');
      let left = each;
      await new Promise<void>((resolve, reject) => {
        session.subscribe(
          {
            processMessage: async (message) => {
              await session.completeMessage(message);
              if (--left === 0) resolve();
            },
            processError: async ({ error }) => reject(error),
          },
          { autoCompleteMessages: false },
        );
      });
      await session.close();
    }),
  );
  return (SESSION_MESSAGES / (performance.now() - started)) * 1_000;
}

/** From the call of `sendMessages` to the handler, one message at a time, each acknowledged before the next (ms). */
async function latencies(client: ServiceBusClient): Promise<number[]> {
  const sender = client.createSender('latency');
  const receiver = client.createReceiver('latency');
  const sample: number[] = [];
  let arrived = (): void => {};
  receiver.subscribe({
    processMessage: async () => arrived(),
    processError: async ({ error }) => {
      throw error;
    },
  });
  for (let at = 0; at < LATENCIES; at++) {
    const started = performance.now();
    const handled = new Promise<void>((resolve) => {
      arrived = () => {
        sample.push(performance.now() - started);
        resolve();
      };
    });
    await Promise.all([sender.sendMessages({ body: BODY }), handled]);
  }
  await receiver.close();
  return sample;
}

/** Messages in, then half of them out one by one. @returns µs a message sent, and a message taken */
function engineSteps(count: number): { sentUs: number; takenUs: number } {
  const queue = new Engine({ clock: new VirtualClock() }).createQueue({ name: 'q' });
  let started = performance.now();
  for (let at = 0; at < count; at++) queue.send([{ messageId: 'm', payload: BODY }]);
  const sentUs = ((performance.now() - started) * 1_000) / count;
  const receiver = queue.openReceiver('receiveAndDelete', () => {});
  started = performance.now();
  for (let at = 0; at < count / 2; at++) queue.demand(receiver, 1);
  return { sentUs, takenUs: ((performance.now() - started) * 2_000) / count };
}

/** The engine alone, at a million queued: a step costs about what it costs at ten thousand. */
function engineFigures(): Record<string, number> {
  for (let warmUp = 0; warmUp < 5; warmUp++) engineSteps(QUEUED);
  const small = engineSteps(QUEUED);
  const large = engineSteps(ENGINE_MESSAGES);
  return {
    engineSendMicroseconds: large.sentUs,
    engineTakeMicroseconds: large.takenUs,
    engineStepAtAMillionOver10k: (large.sentUs + large.takenUs) / (small.sentUs + small.takenUs),
  };
}

async function measure(isDurable: boolean): Promise<Record<string, number>> {
  const directory = await mkdtemp(path.join(tmpdir(), 'service-bus-bench-'));
  let broker = await start(directory, isDurable);
  const figures: Record<string, number> = { idleRssMb: residentMb(broker) };
  let client = new ServiceBusClient(broker.connectionString);
  try {
    await sendBatches(client, 'plain', QUEUED);
    figures['rssWith10kQueuedMb'] = residentMb(broker);
    await subscribe(client, QUEUED, 32);
    const sample = await latencies(client);
    figures['enqueueToHandlerP50Ms'] = percentile(sample, 50);
    figures['enqueueToHandlerP99Ms'] = percentile(sample, 99);
    figures['batchSendPerSecond'] = await sendBatches(client, 'plain', SENT);
    await subscribe(client, SENT, 32);
    await sendBatches(client, 'plain', SUBSCRIBED);
    figures['subscribeAndComplete32PerSecond'] = await subscribe(client, SUBSCRIBED, 32);
    figures['sessions8PerSecond'] = await sessions(client);
    if (!isDurable) return figures;
    await sendBatches(client, 'plain', RESTARTED);
    await client.close();
    broker.child.kill('SIGKILL');
    await once(broker.child, 'exit');
    const started = performance.now();
    broker = await start(directory, isDurable);
    figures['restart100kMs'] = performance.now() - started;
    client = new ServiceBusClient(broker.connectionString);
    return figures;
  } finally {
    await client.close();
    await broker.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** @returns figures by name: rates per second, times in ms, memory in MB */
export async function run(): Promise<Record<string, number>> {
  const durable = await measure(true);
  const inMemory = await measure(false);
  return {
    ...durable,
    ...Object.fromEntries(Object.entries(inMemory).map(([name, value]) => [`inMemory.${name}`, value])),
    ...engineFigures(),
  };
}
