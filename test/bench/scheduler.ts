/**
 * The cost of one explained decision: a factory with one free station asks a pool's ready set. Prints decisions a
 * second and the latency's percentiles for ready sets of several sizes.
 */
import { performance } from 'node:perf_hooks';
import type { ReadyEntry } from '../../shared/contract/fleet.js';
import { PRIORITIES } from '../../shared/contract/manifest.js';
import { laneOf } from '../../shared/rules/lanes.js';
import { priorityRank } from '../../shared/rules/priority.js';
import { selectJobs } from '../../shared/rules/scheduler.js';
import type { FactoryView, SchedulingContext } from '../../shared/rules/scheduler.js';
import { percentile } from './statistics.js';

const NOW = Date.parse('2026-11-21T12:00:00.000Z');
/** What one claim reads (functions/operations/claimJobs), and the sizes that a growing pool would have. */
const SIZES = [200, 1000, 10_000] as const;
const FACTORIES = 5000;
const WARM_UP = 300;
const MIN_DECISIONS = 200;
const SECONDS_EACH = 1;

const REQUIREMENTS = [
  ['engine:shell'],
  ['engine:shell', 'os:linux'],
  ['engine:shell', 'node>=20'],
  ['engine:claude', 'os:linux'],
  ['engine:shell', 'has:xcode', 'os:mac'],
] as const;

const pick = <T>(list: readonly T[], n: number): T => list[n % list.length] as T;

function entryOf(n: number): ReadyEntry {
  const requirements = [...pick(REQUIREMENTS, n)];
  const priority = pick(PRIORITIES, n * 7);
  const submittedAt = new Date(NOW - (n % 3600) * 1000).toISOString();
  return {
    id: `job-${String(n).padStart(16, '0')}`,
    type: 'ready',
    pool: 'linux',
    productId: `product-${n % 40}`,
    lane: laneOf(requirements),
    run: 'build',
    requirements,
    prefers: n % 3 === 0 ? ['os:linux'] : [],
    repo: `https://example.com/repo-${n % 100}.git`,
    ...(n % 20 === 0 && { lock: `lock-${n % 200}` }),
    priority,
    priorityRank: priorityRank(priority),
    submittedAt,
    readySince: submittedAt,
    epoch: 0,
  };
}

const factoryOf = (n: number): FactoryView => ({
  id: `factory-${n}`,
  advertises: [
    'engine:shell',
    'os:linux',
    'node@20.20.2',
    'git@2.43.0',
    ...(n % 4 === 0 ? ['engine:claude'] : []),
  ],
  stations: 4,
  running: 3,
  warm: [`https://example.com/repo-${n % 100}.git`],
  products: ['*'],
  pools: ['any', 'linux', 'node'],
  costClass: 1 + (n % 3),
});

const round = (value: number): number => Math.round(value * 1000) / 1000;

/** Figures by name: `decisionsPerSecond.<size>`, `p50Ms.<size>`, `p99Ms.<size>`. */
export async function run(): Promise<Record<string, number>> {
  const factories = Array.from({ length: FACTORIES }, (_, n) => factoryOf(n));
  const context: SchedulingContext = {
    locks: new Map(
      Array.from({ length: 5 }, (_, n) => [`product-${n}:lock-${n * 40}`, 'job-zzzzzzzzzzzzzzzz']),
    ),
    pausedProducts: new Set(['product-7']),
    runningByProduct: new Map(Array.from({ length: 40 }, (_, n) => [`product-${n}`, n])),
  };
  const figures: Record<string, number> = {};
  for (const size of SIZES) {
    const candidates = Array.from({ length: size }, (_, n) => entryOf(n));
    const decide = (n: number): number => {
      const began = performance.now();
      const chosen = selectJobs({
        candidates,
        factory: pick(factories, n * 13),
        context,
        now: new Date(NOW + n).toISOString(),
        seed: String(n),
        count: 1,
      });
      if (chosen.length !== 1) throw new Error('the benchmark decided nothing');
      return performance.now() - began;
    };
    for (let n = 0; n < WARM_UP; n++) decide(n);
    const times: number[] = [];
    const until = performance.now() + SECONDS_EACH * 1000;
    while (performance.now() < until || times.length < MIN_DECISIONS) times.push(decide(times.length));
    const total = times.reduce((sum, one) => sum + one, 0);
    figures[`decisionsPerSecond.${size}`] = Math.round((times.length / total) * 1000);
    figures[`p50Ms.${size}`] = round(percentile(times, 50));
    figures[`p99Ms.${size}`] = round(percentile(times, 99));
  }
  return figures;
}
