// The embedded cloud's figures that have a goal, under names that stay: what `docs/embedded-cloud.md` lists.
import { performance } from 'node:perf_hooks';
import { VirtualClock } from '../../local/clock.js';
import { Engine } from '../../local/servicebus/engine.js';
import * as cosmos from './cosmos.js';
import type { Figure } from './figure.js';
import * as host from './host.js';
import * as servicebus from './servicebus.js';

const SIMULATED_HOURS = 1_000;
const MINUTE_MS = 60_000;

/** Name, unit and goal of each figure, and what the benchmark of its service calls it. */
const SERVICE_BUS: readonly Row[] = [
  ['servicebus.batch_send', 'messages/s', '>= 15000', 'batchSendPerSecond'],
  ['servicebus.subscribe_complete_32', 'messages/s', '>= 4000', 'subscribeAndComplete32PerSecond'],
  ['servicebus.sessions_8', 'messages/s', '>= 2500', 'sessions8PerSecond'],
  ['servicebus.enqueue_to_handler_p50', 'ms', '<= 2', 'enqueueToHandlerP50Ms'],
  ['servicebus.enqueue_to_handler_p99', 'ms', '<= 10', 'enqueueToHandlerP99Ms'],
  ['servicebus.idle_rss', 'MB', '<= 60', 'idleRssMb'],
  ['servicebus.rss_10k_queued', 'MB', '<= 120', 'rssWith10kQueuedMb'],
  ['servicebus.step_at_1m_over_10k', 'times', '<= 4', 'engineStepAtAMillionOver10k'],
  ['servicebus.restart_100k', 'ms', '<= 3000', 'restart100kMs'],
];
const COSMOS: readonly Row[] = [
  ['cosmos.point_reads_32', 'requests/s', '>= 2000', 'cosmos.point_reads_per_s'],
  ['cosmos.durable_upserts_32', 'requests/s', '>= 1200', 'cosmos.upserts_per_s'],
  ['cosmos.query_in_10k_over_1k', 'times', '<= 2', 'cosmos.query_in_10k_over_1k'],
  ['cosmos.idle_rss', 'MB', '<= 80', 'cosmos.idle_mb'],
  ['cosmos.restart_100k', 'ms', '<= 3000', 'cosmos.restart_100k_ms'],
];
const HOST: readonly Row[] = [
  ['host.worker_cold_start_p50', 'ms', null, 'workerColdStartP50Ms'],
  ['host.ready', 'ms', null, 'hostReadyMs'],
  ['host.invocation_p50', 'ms', null, 'invocationP50Ms'],
  ['host.http_p50', 'ms', null, 'httpP50Ms'],
];

type Row = readonly [name: string, unit: string, goal: Figure['goal'], source: string];

const figures = (rows: readonly Row[], measured: Readonly<Record<string, number>>): Figure[] =>
  rows.map(([name, unit, goal, source]) => {
    const value = measured[source];
    if (value === undefined) throw new Error(`no benchmark measured ${source} for ${name}`);
    return { name, value: Math.round(value * 100) / 100, unit, goal };
  });

/**
 * A queue on virtual time: every simulated minute a message that is handled, and one whose handler dies, so that its
 * lock expires until it is dead-lettered.
 * @returns simulated hours a minute of real time
 */
function simulatedHoursPerMinute(): number {
  const clock = new VirtualClock(0);
  const queue = new Engine({ clock }).createQueue({
    name: 'q',
    maxDeliveryCount: 3,
    lockDurationSeconds: 60,
  });
  const receiver = queue.openReceiver('peekLock', ({ messageId }, lock) => {
    if (messageId.startsWith('good')) queue.settle(lock!.token, { kind: 'complete' });
  });
  const started = performance.now();
  for (let minute = 0; minute < SIMULATED_HOURS * 60; minute++) {
    const payload = new Uint8Array(16);
    queue.send([
      { messageId: `good-${minute}`, payload },
      { messageId: `bad-${minute}`, payload },
    ]);
    queue.demand(receiver, 8);
    clock.advanceBy(MINUTE_MS);
  }
  const minutes = (performance.now() - started) / MINUTE_MS;
  if (queue.counts().deadLetters < SIMULATED_HOURS * 59) throw new Error('the simulation lost dead letters');
  return Math.round(SIMULATED_HOURS / minutes);
}

export async function run(): Promise<Figure[]> {
  return [
    ...figures(SERVICE_BUS, await servicebus.run()),
    ...figures(COSMOS, await cosmos.run()),
    ...figures(HOST, await host.run()),
    {
      name: 'engines.simulated_hours',
      value: simulatedHoursPerMinute(),
      unit: 'hours/minute',
      goal: '>= 1000',
    },
  ];
}
