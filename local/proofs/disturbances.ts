// What chaos does to a running system: parts are killed, paused, cut off and throttled. Each disturbance ends by itself.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { cosmosFaults, serviceBusFaults, type FaultRequest } from '../faultRequest.js';
import type { RunningProcess } from '../processes.js';
import type { System } from '../system.js';
import type { Line } from './line.js';

export interface DisturbedFactory {
  readonly running: RunningProcess;
  readonly api: Line;
  readonly bus: Line;
}

export interface Target {
  readonly system: System;
  readonly factories: readonly DisturbedFactory[];
  readonly leaseSeconds: number;
}

export interface Disturbance {
  readonly kind: string;
  /** What it happens to: one disturbance at a time for each. */
  readonly part: string;
  /** The factory that it silences. */
  readonly factory?: string;
  /** How often it comes, against the others. */
  readonly weight: number;
  /** @param random from 0 up to 1 @returns when it is over */
  run(random: () => number): Promise<void>;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const between = (random: () => number, least: number, most: number): number =>
  least + random() * (most - least);

/** A process that is starting again has none. */
const send = (pid: number | undefined, signal: NodeJS.Signals): void => {
  try {
    if (pid !== undefined) process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
};

/** Time that a part gets to start again before the next blow (ms). */
const REVIVE_MS = 3000;

const kill = async (part: RunningProcess): Promise<void> => {
  send(part.pid, 'SIGKILL');
  await wait(REVIVE_MS);
};

const stall = async (part: RunningProcess, ms: number): Promise<void> => {
  const { pid } = part;
  send(pid, 'SIGSTOP');
  await wait(ms);
  send(pid, 'SIGCONT');
};

/** The worker of the functions host is its child; the host starts another one. */
async function killWorker(host: RunningProcess): Promise<void> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=']);
  for (const line of stdout.split('\n')) {
    const [pid, parent] = line.trim().split(/\s+/).map(Number);
    if (pid !== undefined && parent !== undefined && parent === host.pid) send(pid, 'SIGKILL');
  }
  await wait(REVIVE_MS);
}

/**
 * A part that is down has no faults to set.
 * @throws Error when the emulator does not take the fault: that would be a disturbance that disturbs nothing
 */
async function fault(
  { url, headers }: FaultRequest,
  method: 'POST' | 'DELETE',
  body?: object,
): Promise<void> {
  const answer = await fetch(url, {
    method,
    signal: AbortSignal.timeout(2000),
    headers: { ...headers, 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  }).catch(() => undefined);
  if (answer && answer.status >= 400 && answer.status < 500)
    throw new Error(`the fault ${JSON.stringify(body)} was refused: ${answer.status} ${await answer.text()}`);
}

/** Everything that can happen to that system. */
export function disturbances({ system, factories, leaseSeconds }: Target): Disturbance[] {
  const { host, serviceBus, cosmos } = system.parts;
  const lease = leaseSeconds * 1000;

  const cosmosFault = (kind: string, weight: number, body: object): Disturbance => ({
    kind: `database ${kind}`,
    part: 'database',
    weight,
    async run(random) {
      await fault(cosmosFaults(system.cloud.cosmos), 'POST', body);
      await wait(between(random, 500, 3000));
      await fault(cosmosFaults(system.cloud.cosmos, 'DELETE'), 'DELETE');
    },
  });
  const busFault = (kind: string, weight: number, body: (ms: number) => object): Disturbance => ({
    kind: `bus ${kind}`,
    part: 'bus',
    weight,
    async run(random) {
      const ms = between(random, 500, 3000);
      await fault(serviceBusFaults(system.cloud.serviceBus), 'POST', body(Math.round(ms)));
      await wait(ms);
    },
  });
  const ofFactory = ({ running, api, bus }: DisturbedFactory): Disturbance[] => {
    const about = { part: running.name, factory: running.name };
    const cut = (kind: string, lines: Line[]): Disturbance => ({
      ...about,
      kind: `factory cut off from ${kind}`,
      weight: 1,
      async run(random) {
        for (const line of lines) line.cut();
        await wait(between(random, 0.3 * lease, 2 * lease));
        for (const line of lines) line.mend();
      },
    });
    return [
      { ...about, kind: 'factory killed', weight: 3, run: () => kill(running) },
      {
        ...about,
        kind: 'factory paused',
        weight: 2,
        run: (random) => stall(running, between(random, 0.3 * lease, 2 * lease)),
      },
      cut('the control plane', [api]),
      cut('the bus', [bus]),
      cut('everything', [api, bus]),
    ];
  };
  return [
    ...factories.flatMap(ofFactory),
    { kind: 'functions host killed', part: 'functions', weight: 3, run: () => kill(host) },
    { kind: 'functions worker killed', part: 'functions', weight: 3, run: () => killWorker(host) },
    {
      kind: 'functions host paused',
      part: 'functions',
      weight: 1,
      run: (random) => stall(host, between(random, 300, 2000)),
    },
    { kind: 'database killed', part: 'database', weight: 3, run: () => kill(cosmos) },
    {
      kind: 'database paused',
      part: 'database',
      weight: 1,
      run: (random) => stall(cosmos, between(random, 300, 2000)),
    },
    cosmosFault('throttled', 2, { kind: 'refuse', status: 429, rate: 0.3, retryAfterMs: 50 }),
    cosmosFault('unavailable', 1, { kind: 'refuse', status: 503, rate: 0.3 }),
    cosmosFault('answers lost after commit', 2, { kind: 'loseAck', rate: 0.1, on: 'writes' }),
    cosmosFault('connections dropped', 1, { kind: 'drop', rate: 0.1 }),
    cosmosFault('slow', 1, { kind: 'delay', ms: 200 }),
    { kind: 'bus killed', part: 'bus', weight: 3, run: () => kill(serviceBus) },
    {
      kind: 'bus paused',
      part: 'bus',
      weight: 1,
      run: (random) => stall(serviceBus, between(random, 300, 2000)),
    },
    busFault('cut off', 1, (ms) => ({ kind: 'drop', forMs: ms })),
    busFault('throttled', 1, (ms) => ({ kind: 'throttle', probability: 0.3, forMs: ms })),
    busFault('answers lost after commit', 1, (ms) => ({ kind: 'loseAck', probability: 0.2, forMs: ms })),
    busFault('session locks lost', 1, () => ({ kind: 'expireLocks' })),
  ];
}

/** Undoes what a plan that was ended early may have left. */
export async function calm({ system, factories }: Target): Promise<void> {
  const { host, serviceBus, cosmos } = system.parts;
  for (const { pid } of [host, serviceBus, cosmos, ...factories.map(({ running }) => running)])
    send(pid, 'SIGCONT');
  for (const { api, bus } of factories) {
    api.mend();
    bus.mend();
  }
  await fault(cosmosFaults(system.cloud.cosmos, 'DELETE'), 'DELETE');
  await fault(serviceBusFaults(system.cloud.serviceBus), 'POST', { kind: 'clear' });
}
