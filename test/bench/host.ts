// The Functions host's figures: how long an app takes to start, and what the host adds to an invocation. Times in ms.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { startHost } from '../../local/host/host.js';
import { ForkedWorker } from '../../local/host/worker.js';
import { percentile } from './statistics.js';

const STARTS = 5;
const WARM_UP = 200;
const CALLS = 2_000;
const CONCURRENCY = 32;
const MAIN = path.resolve('dist/local/host/main.js');
const settings = { TIMER_SCHEDULE: '0 0 0 1 1 *' };

const app = (name: string): string => path.resolve('test/local/host/fixtures', name);

async function time(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Durations of calls one after the other, the first ones left out. */
async function series(call: () => Promise<unknown>): Promise<number[]> {
  for (let i = 0; i < WARM_UP; i++) await call();
  const durations: number[] = [];
  for (let i = 0; i < CALLS; i++) durations.push(await time(call));
  return durations;
}

function startWorker(): ForkedWorker {
  return new ForkedWorker({
    appDir: app('commonjs'),
    settings,
    log: () => undefined,
    print: () => undefined,
  });
}

async function worker(): Promise<Record<string, number>> {
  const starts: number[] = [];
  for (let i = 0; i < STARTS; i++) {
    const started = startWorker();
    starts.push(await time(() => started.start()));
    await started.close(1_000);
  }
  const running = startWorker();
  const { functions } = await running.start();
  const timer = functions.find(({ name }) => name === 'everySecond');
  const name = Object.keys(timer?.bindings ?? {})[0] ?? '';
  const durations = await series(() =>
    running.invoke({
      invocationId: randomUUID(),
      functionId: 'everySecond',
      inputData: [{ name, data: { json: '{"IsPastDue":false}' } }],
      triggerMetadata: {},
      traceContext: { traceParent: '', attributes: {} },
    }),
  );
  await running.close(1_000);
  return {
    workerColdStartP50Ms: percentile(starts, 50),
    invocationP50Ms: percentile(durations, 50),
    invocationP99Ms: percentile(durations, 99),
  };
}

async function requests(
  name: string,
  route: string,
): Promise<{ p50: number; p99: number; perSecond: number }> {
  const host = await startHost({ appDir: app(name), settings });
  const agent = new http.Agent({ keepAlive: true });
  const call = (): Promise<void> =>
    new Promise((resolve, reject) => {
      http
        .get(`${host.url}${route}`, { agent }, (response) => response.resume().on('end', resolve))
        .on('error', reject);
    });
  try {
    const durations = await series(call);
    const total = await time(() =>
      Promise.all(
        Array.from({ length: CONCURRENCY }, async () => {
          for (let i = 0; i < CALLS / CONCURRENCY; i++) await call();
        }),
      ),
    );
    return {
      p50: percentile(durations, 50),
      p99: percentile(durations, 99),
      perSecond: Math.round((CALLS / total) * 1_000),
    };
  } finally {
    agent.destroy();
    await host.close();
  }
}

/** A host of its own process: until its line says ready, and what it then holds. */
async function hostProcess(): Promise<Record<string, number>> {
  const started = performance.now();
  const child = spawn(process.execPath, [MAIN, '--app', app('esm')], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(createInterface({ input: child.stdout }), 'line');
  const hostReadyMs = performance.now() - started;
  // Linux only; 0 elsewhere.
  const status = process.platform === 'linux' ? readFileSync(`/proc/${child.pid}/status`, 'utf8') : '';
  const hostIdleMb = Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024);
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
  return { hostReadyMs, hostIdleMb };
}

export async function run(): Promise<Record<string, number>> {
  const buffered = await requests('commonjs', '/api/hello?name=bench');
  const streamed = await requests('streaming', '/api/plain/1');
  return {
    ...(await worker()),
    ...(await hostProcess()),
    httpP50Ms: buffered.p50,
    httpP99Ms: buffered.p99,
    httpPerSecond: buffered.perSecond,
    streamedHttpP50Ms: streamed.p50,
    streamedHttpP99Ms: streamed.p99,
    streamedHttpPerSecond: streamed.perSecond,
  };
}
