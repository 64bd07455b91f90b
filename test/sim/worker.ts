// One of several threads that share the seeds of a simulation between them.
import { parentPort, workerData } from 'node:worker_threads';
import { runSeed, type SeedResult } from './run.js';

/** From the main thread. */
export interface Share {
  readonly from: number;
  /** Every so many seeds are this thread's. */
  readonly step: number;
  readonly count: number;
  /** Begin no seed after that (ms since 1970). */
  readonly untilMs: number;
}

export type FromWorker = { readonly result: SeedResult } | { readonly cpuSeconds: number };

// An error's stack costs more than the operation that failed; `--seed N` shows it.
Error.stackTraceLimit = 0;
const { from, step, count, untilMs } = workerData as Share;
const before = process.cpuUsage();
for (let at = 0; at < count && Date.now() < untilMs; at += 1) {
  const result = await runSeed(from + at * step);
  parentPort?.postMessage({ result } satisfies FromWorker);
}
const { user, system } = process.cpuUsage(before);
parentPort?.postMessage({ cpuSeconds: (user + system) / 1e6 } satisfies FromWorker);
