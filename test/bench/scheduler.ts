/**
 * The cost of one explained decision: a factory with one free station asks a pool's ready jobs. Prints decisions a
 * second and the latency's percentiles for several numbers of waiting jobs, and how fair the decisions are.
 */
import { performance } from 'node:perf_hooks';
import type { ReadyEntry, Served } from '../../shared/contract/fleet.js';
import { PRIORITIES } from '../../shared/contract/manifest.js';
import { laneOf } from '../../shared/rules/lanes.js';
import { orderKey, priorityRank } from '../../shared/rules/priority.js';
import { ReadyIndex, chooseJobs, selectJobs } from '../../shared/rules/scheduler.js';
import { serve, servedBy } from '../../shared/rules/share.js';
import type { FactoryView, SchedulingContext } from '../../shared/rules/scheduler.js';
import { percentile } from './statistics.js';

const NOW = Date.parse('2026-11-21T12:00:00.000Z');
const SIZES = [1000, 10_000, 100_000] as const;
/** What one claim reads (functions/operations/readCandidates). */
const CLAIM_WINDOW = 200;
const CLAIMS = 3000;
const FACTORIES = 5000;
const PRODUCTS = 40;
const WARM_UP = 1000;
const SECONDS_EACH = 2;
/** Jobs of the product that floods the others. */
const FLOOD = 20_000;

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
  // Over the last hour, no two at the same moment.
  const submittedAt = new Date(NOW - ((n * 7919) % 3_600_000)).toISOString();
  return {
    id: `job-${String(n).padStart(16, '0')}`,
    type: 'ready',
    pool: 'linux',
    productId: `product-${n % PRODUCTS}`,
    lane: laneOf(requirements),
    run: 'build',
    requirements,
    prefers: n % 3 === 0 ? ['os:linux'] : [],
    repo: `https://example.com/repo-${n % 100}.git`,
    ...(n % 20 === 0 && { lock: `lock-${n % 200}` }),
    priority,
    priorityRank: priorityRank(priority),
    orderKey: orderKey(priorityRank(priority), Date.parse(submittedAt)),
    submittedAt,
    readySince: submittedAt,
    epoch: 0,
    jobEvents: 1,
  };
}

/** A job that asks for nothing special. */
function plain(n: number, submittedAt: string): ReadyEntry {
  const { lock: _lock, repo: _repo, ...entry } = entryOf(0);
  const requirements = ['engine:shell'];
  return {
    ...entry,
    id: `job-${String(n).padStart(16, '0')}`,
    requirements,
    lane: laneOf(requirements),
    prefers: [],
    priority: 'medium',
    priorityRank: priorityRank('medium'),
    orderKey: orderKey(priorityRank('medium'), Date.parse(submittedAt)),
    submittedAt,
    readySince: submittedAt,
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

/** Decisions against an index that lives on: what was chosen leaves it, and as much comes in. */
function decisions(size: number, factories: readonly FactoryView[]): number[] {
  const shareByProduct = new Map(Array.from({ length: PRODUCTS }, (_, n) => [`product-${n}`, n]));
  const context: SchedulingContext = {
    locks: new Map(
      Array.from({ length: 5 }, (_, n) => [`product-${n}:lock-${n * 40}`, 'job-zzzzzzzzzzzzzzzz']),
    ),
    pausedProducts: new Map([['product-7', 'paused']]),
    shareByProduct,
  };
  const index = new ReadyIndex(Array.from({ length: size }, (_, n) => entryOf(n)));
  let next = size;
  const decide = (n: number): number => {
    const began = performance.now();
    const { selected } = chooseJobs(index, {
      factory: pick(factories, n * 13),
      context,
      now: new Date(NOW + n).toISOString(),
      seed: String(n),
      count: 1,
    });
    const took = performance.now() - began;
    const [chosen] = selected;
    if (chosen === undefined) throw new Error('the benchmark decided nothing');
    // The same sort of job comes in again, so that every kind of job stays there.
    const { id: _id, ...same } = chosen.entry;
    index.add({ ...same, id: `job-${String(next++).padStart(16, '0')}` });
    return took;
  };
  for (let n = 0; n < WARM_UP; n++) decide(n);
  const times: number[] = [];
  const until = performance.now() + SECONDS_EACH * 1000;
  while (performance.now() < until) times.push(decide(times.length));
  return times;
}

/** A claim as the function app does it: the window of a pool into an index of its own, then one decision. */
function claims(factories: readonly FactoryView[]): number[] {
  const candidates = Array.from({ length: CLAIM_WINDOW }, (_, n) => entryOf(n));
  const context = { locks: new Map(), pausedProducts: new Map<string, string>(), shareByProduct: new Map() };
  return Array.from({ length: CLAIMS }, (_, n) => {
    const began = performance.now();
    const factory = pick(factories, n * 13);
    selectJobs({ candidates, factory, context, now: new Date(NOW).toISOString(), seed: String(n), count: 1 });
    return performance.now() - began;
  }).slice(WARM_UP);
}

/** A pool of so many stations where runs end in the order they began; 100 ms pass between two decisions. */
class Pool {
  readonly index = new ReadyIndex();
  readonly given = new Map<string, number>();
  private readonly stations: number;
  private readonly inFlight: string[] = [];
  private readonly served = new Map<string, Pick<Served, 'count' | 'at'>>();
  private readonly factory: FactoryView = { ...factoryOf(1), stations: 1, running: 0 };
  private submitted = 0;
  private decisions = 0;

  constructor(stations: number) {
    this.stations = stations;
  }

  submit(productId: string, secondsAgo = 0): void {
    const submittedAt = new Date(this.now() - secondsAgo * 1000).toISOString();
    this.index.add({ ...plain(this.submitted++, submittedAt), productId });
  }

  /** One decision. @returns the product that it was for */
  decide(): string {
    const now = new Date(this.now()).toISOString();
    const shareByProduct = new Map([...this.served].map(([id, one]) => [id, servedBy(one, now)]));
    for (const id of this.inFlight) shareByProduct.set(id, (shareByProduct.get(id) ?? 0) + 1);
    const context = { locks: new Map(), pausedProducts: new Map<string, string>(), shareByProduct };
    const seed = String(this.decisions++);
    const [chosen] = chooseJobs(this.index, { factory: this.factory, context, now, seed, count: 1 }).selected;
    if (chosen === undefined) throw new Error('the benchmark decided nothing');
    const { productId } = chosen.entry;
    this.given.set(productId, (this.given.get(productId) ?? 0) + 1);
    this.served.set(productId, serve(this.served.get(productId), 1, now));
    this.inFlight.push(productId);
    if (this.inFlight.length > this.stations) this.inFlight.shift();
    return productId;
  }

  private now(): number {
    return NOW + this.decisions * 100;
  }
}

/**
 * A hundred products, one with thousands of jobs that have waited for hours, the others with two waiting at any time.
 * @returns Jain's index of what they were given
 */
function jain(stations: number): number {
  const pool = new Pool(stations);
  const products = Array.from({ length: 100 }, (_, n) => `product-${n}`);
  for (let n = 0; n < FLOOD; n++) pool.submit('product-0', 4 * 3600);
  for (const product of products.slice(1)) for (let n = 0; n < 2; n++) pool.submit(product, 60);
  for (let n = 0; n < 5000; n++) {
    const product = pool.decide();
    if (product !== 'product-0') pool.submit(product);
  }
  const shares = products.map((product) => pool.given.get(product) ?? 0);
  const sum = shares.reduce((total, one) => total + one, 0);
  return sum ** 2 / (shares.length * shares.reduce((total, one) => total + one ** 2, 0));
}

/**
 * The same flood; now and then one of the others has a job.
 * @returns the most decisions that one of them waited for its first job
 */
function longestFirstWait(stations: number): number {
  const pool = new Pool(stations);
  for (let n = 0; n < FLOOD; n++) pool.submit('product-0', 4 * 3600);
  let longest = 0;
  for (let n = 1; n < 100; n++) {
    for (let k = 0; k < 7; k++) pool.decide();
    pool.submit(`product-${n}`);
    let waited = 1;
    while (pool.decide() !== `product-${n}`) waited++;
    longest = Math.max(longest, waited);
  }
  return longest;
}

/** Figures by name: `decisionsPerSecond.<waiting jobs>`, `p50Ms.<…>`, `p99Ms.<…>`, the same for claims; fairness. */
export async function run(): Promise<Record<string, number>> {
  const factories = Array.from({ length: FACTORIES }, (_, n) => factoryOf(n));
  const figures: Record<string, number> = {};
  const note = (name: string, times: readonly number[]): void => {
    const total = times.reduce((sum, one) => sum + one, 0);
    figures[`decisionsPerSecond.${name}`] = Math.round((times.length / total) * 1000);
    figures[`p50Ms.${name}`] = round(percentile(times, 50));
    figures[`p99Ms.${name}`] = round(percentile(times, 99));
  };
  // Before the large indexes are there for the collector to look through.
  note(`claimOf${CLAIM_WINDOW}`, claims(factories));
  for (const size of SIZES) note(String(size), decisions(size, factories));
  for (const stations of [1, 100]) {
    figures[`fairness.jain.${stations}Stations`] = Math.round(jain(stations) * 10_000) / 10_000;
    figures[`fairness.longestFirstWait.${stations}Stations`] = longestFirstWait(stations);
  }
  return figures;
}
