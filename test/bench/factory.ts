// What the agent costs beside its engine: the built factory as a process, a real bus, real repositories, and a small
// control plane over HTTP that answers at once.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { cleanEnvironment } from '../../factory/processes/environment.js';
import { Workspace } from '../../factory/workspace/workspace.js';
import type { Claim } from '../../shared/contract/api.js';
import { TestBus } from '../factory/support/bus.js';
import { claimOf, ControlPlane } from '../factory/support/controlPlane.js';
import { createRepository, TemporaryFolder, type Repository } from '../factory/support/repository.js';
import type { Figure } from './figure.js';
import * as runLog from './runLog.js';
import { percentile } from './statistics.js';

const RUNS = 20;
const STATIONS = 20;
const LINES = 2000;
/** After its last report a run still clears its worktree away; a warm factory is one that waits. */
const SETTLE_MS = 300;

const settle = (ms = SETTLE_MS): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function repositoryOf(folder: string, name: string, count: number): Repository {
  const at = path.join(folder, name);
  mkdirSync(at);
  const files = Object.fromEntries(
    Array.from({ length: count }, (_, n) => [`src/${n % 50}/file-${n}.txt`, `content of ${n}\n`.repeat(20)]),
  );
  return createRepository(at, files);
}

interface Line {
  readonly message: string;
  readonly job?: string;
  /** Since the ticket came. */
  readonly ms?: number;
  /** When the line came (`performance.now()`). */
  readonly at: number;
}

/** The built factory, with its log as it comes. */
async function startFactory(
  folder: string,
  plane: ControlPlane,
  bus: TestBus,
  name: string,
  stations: number,
) {
  plane.enrolments.add('bench-token');
  const main = path.resolve('dist/factory/main.js');
  const args = ['--name', name, '--data', path.join(folder, name), '--stations', String(stations), '--json'];
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      GIGAFACTORY_API: plane.url,
      GIGAFACTORY_ENROLMENT: 'bench-token',
      SERVICE_BUS: bus.setting.value,
    },
  });
  const lines: Line[] = [];
  createInterface({ input: child.stderr }).on('line', (line) =>
    lines.push({ ...(JSON.parse(line) as Omit<Line, 'at'>), at: performance.now() }),
  );
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', () => reject(new Error(`the factory ended: ${JSON.stringify(lines)}`)));
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    lines,
    /** Megabytes. */
    resident: () => {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
    },
    async close() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

const isOver = (plane: ControlPlane, claim: Claim): boolean =>
  plane.run(claim).reports.some(({ kind }) => kind === 'finished' || kind === 'failed');

/** Rings for a job and waits for its end. */
async function work(plane: ControlPlane, bus: TestBus, claim: Claim): Promise<void> {
  plane.ready.push(claim);
  await bus.ring(claim);
  await plane.until(() => isOver(plane, claim));
}

export async function run(): Promise<readonly Figure[]> {
  using folder = new TemporaryFolder();
  await using plane = await ControlPlane.start();
  await using bus = await TestBus.start();
  const thousand = repositoryOf(folder.path, 'thousand', 1000);

  const factory = await startFactory(folder.path, plane, bus, 'one', 1);
  await settle(2000);
  const residentMb = process.platform === 'linux' ? factory.resident() : Number.NaN;
  const toStart: number[] = [];
  const fromRing: number[] = [];
  const overhead: number[] = [];
  for (let n = 0; n <= RUNS; n += 1) {
    const claim = claimOf({ repo: thousand.path, body: `echo ${n} > src/new.txt` });
    const rang = performance.now();
    await work(plane, bus, claim);
    await settle();
    const line = (message: string): Line | undefined =>
      factory.lines.find((one) => one.message === message && one.job === claim.job.jobId);
    const told = (message: string): number => line(message)?.ms ?? Number.NaN;
    const last = plane.run(claim).reports.at(-1);
    const engineMs = last?.kind === 'finished' ? last.usage.wallSeconds * 1000 : Number.NaN;
    // The first run fetches the repository: it is not warm.
    if (n === 0) continue;
    toStart.push(told('engine started'));
    fromRing.push((line('engine started')?.at ?? Number.NaN) - rang);
    overhead.push(told('run finished') - engineMs);
  }
  await factory.close();

  const many = await startFactory(folder.path, plane, bus, 'many', STATIONS);
  const claims = Array.from({ length: STATIONS }, (_, n) =>
    claimOf({
      repo: thousand.path,
      body: `i=0; while [ $i -lt ${LINES} ]; do echo "line $i of ${n}"; i=$((i+1)); done; echo x > ${n}.txt`,
    }),
  );
  plane.ready.push(...claims);
  const startedAt = performance.now();
  for (const claim of claims) await bus.ring(claim);
  await plane.until(() => claims.every((claim) => isOver(plane, claim)));
  const togetherMs = performance.now() - startedAt;
  await settle();
  const lost = claims.reduce((sum, claim, n) => {
    const seen = new Set(plane.run(claim).log.toString().split('\n'));
    return (
      sum +
      Array.from({ length: LINES }, (_, i) => `line ${i} of ${n}`).filter((line) => !seen.has(line)).length
    );
  }, 0);
  await many.close();

  const tenThousand = repositoryOf(folder.path, 'ten-thousand', 10_000);
  const workspace = new Workspace(path.join(folder.path, 'workspace'), cleanEnvironment(process.env));
  const checkout = async (n: number): Promise<number> => {
    const begun = performance.now();
    await workspace.checkout({
      run: `job-${n}.1`,
      repo: tenThousand.path,
      baseBranch: 'main',
      featureBranch: `aq/${n}`,
    });
    return performance.now() - begun;
  };
  const [warm, cold]: [number[], number[]] = [[], []];
  // The first one of all fetches.
  for (let n = 0; n < 6; n += 1) {
    const ms = await checkout(n);
    if (n > 0) cold.push(ms);
  }
  for (let n = 0; n < 6; n += 1) await workspace.remove(`job-${n}.1`);
  await workspace.settled();
  for (let n = 0; n < 5; n += 1) {
    warm.push(await checkout(n));
    await workspace.remove(`job-${n}.1`);
  }
  await workspace.settled();

  return [
    { name: 'factory.ticket_to_engine_p50', value: percentile(toStart, 50), unit: 'ms', goal: '<= 150' },
    { name: 'factory.ring_to_engine_p50', value: percentile(fromRing, 50), unit: 'ms', goal: null },
    { name: 'factory.overhead_p50', value: percentile(overhead, 50), unit: 'ms', goal: '<= 1500' },
    { name: 'factory.resident_idle', value: residentMb, unit: 'MB', goal: '<= 120' },
    { name: 'factory.log_lines_lost_20_stations', value: lost, unit: 'lines', goal: '<= 0' },
    { name: 'factory.twenty_runs_together', value: togetherMs, unit: 'ms', goal: null },
    { name: 'factory.worktree_10k_p50', value: percentile(warm, 50), unit: 'ms', goal: '<= 2000' },
    { name: 'factory.worktree_10k_cold_p50', value: percentile(cold, 50), unit: 'ms', goal: '<= 2000' },
    ...(await runLog.run()),
  ];
}
