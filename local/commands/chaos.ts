import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ClaimWitness } from '../proofs/claimWitness.js';
import { calm, disturbances, type DisturbedFactory, type Target } from '../proofs/disturbances.js';
import { readRecord, type JobRecord } from '../proofs/jobs.js';
import { openLine, type Line } from '../proofs/line.js';
import { startLoad, type Load } from '../proofs/load.js';
import { carryOut, type Blow } from '../proofs/plan.js';
import {
  doubleMerges,
  doubleRuns,
  historyOf,
  percentiles,
  recoveries,
  stageGaps,
  type Percentiles,
} from '../proofs/verdict.js';
import { FREE_PORTS, startSystem, type System } from '../system.js';
import { paint, say, stopSignal, stopwatch } from '../terminal.js';

const FACTORIES = 3;
const STATIONS = 2;
/** Jobs under way: more than there are stations, so that there is always something to claim. */
const WIDTH = 10;
const FEED_POLL_MS = 500;
/** After the last disturbance every job must have ended within this (ms): back-offs double with each lost run. */
const DRAIN_MS = 180_000;
/** Share of the time that the undisturbed run before it takes. */
const BASELINE_SHARE = 0.25;
/** Longest and shortest undisturbed run (s). */
const BASELINE_SECONDS = [4, 60] as const;
/** Share of the time in which factories alone suffer: how long a takeover takes when nothing else is in its way. */
const FACTORIES_SHARE = 0.4;
/** A lost job is free again within its lease and this (ms), while the control plane is there. */
const RECOVERY_MARGIN_MS = 1000;
/** Parts are killed often and must come back as soon each time (ms). */
const RESTART_MS = 500;

export interface ChaosOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly leaseSeconds: number;
  readonly json: boolean;
  readonly keep: boolean;
  /** A file for what was seen, one line an operation; test/sim/history.ts judges it. */
  readonly history?: string;
}

/** What `--json` prints. */
export interface ChaosResult {
  readonly seed: number;
  readonly seconds: number;
  readonly submitted: number;
  readonly shipped: number;
  /** Ended otherwise. */
  readonly failed: number;
  /** Acknowledged, but in no final stage when everything had calmed down. */
  readonly lost: number;
  /** Epochs given twice, runs of one job at the same time, merges of one change. */
  readonly double: number;
  /** Findings of the audit, and stage changes without an event. */
  readonly auditGaps: number;
  /** Times that each kind of disturbance came. */
  readonly disturbances: Readonly<Record<string, number>>;
  readonly leaseSeconds: number;
  /** From the blow that silenced a factory until its job was free again. */
  readonly recovery: Percentiles;
  /** Those of them during which neither the functions nor the database suffered too. */
  readonly recoveryAlone: Percentiles;
  /** Jobs shipped a minute. */
  readonly throughput: { readonly undisturbed: number; readonly disturbed: number; readonly share: number };
  readonly ok: boolean;
}

const portOf = (address: string): number => Number(/:\/\/[^/;]*:(\d+)/.exec(address)?.[1]);
const withPortOf = (address: string, port: number): string =>
  address.replace(/(:\/\/[^/;]*:)\d+/, `$1${port}`);

/** A factory whose ways to the control plane and to the bus can be cut. */
async function startFactory(system: System, name: string, lines: Line[]): Promise<DisturbedFactory> {
  const [api, bus] = await Promise.all([
    openLine(portOf(system.apiUrl)),
    openLine(portOf(system.cloud.serviceBus)),
  ]);
  lines.push(api, bus);
  const running = await system.startFactory(name, {
    apiUrl: withPortOf(system.apiUrl, api.port),
    serviceBus: withPortOf(system.cloud.serviceBus, bus.port),
    stations: STATIONS,
  });
  return { running, api, bus };
}

const perMinute = (load: Load, from: number, to: number): number => {
  const shipped = [...load.ended.values()].filter(({ at }) => at >= from && at < to).length;
  return Math.round((shipped / (to - from)) * 600_000) / 10;
};

async function readAll(system: System, jobIds: readonly string[]): Promise<JobRecord[]> {
  const records: JobRecord[] = [];
  for (let at = 0; at < jobIds.length; at += WIDTH)
    records.push(
      ...(await Promise.all(jobIds.slice(at, at + WIDTH).map((jobId) => readRecord(system, jobId)))),
    );
  return records;
}

interface Observed {
  readonly witness: ClaimWitness;
  readonly load: Load;
  readonly blows: readonly Blow[];
  readonly throughput: ChaosResult['throughput'];
}

async function judge(
  system: System,
  options: ChaosOptions,
  { witness, load, blows, throughput }: Observed,
): Promise<ChaosResult> {
  const records = await readAll(system, load.jobIds);
  const stages = records.map(({ job }) => job.stage);
  const shipped = stages.filter((stage) => stage === 'shipped').length;
  const failed = stages.filter((stage) => stage === 'failed' || stage === 'dead_letter').length;
  const audit = (await system.api('GET', 'audit')) as { findings: { message: string }[] };
  for (const { message } of audit.findings) say(paint('yellow', `  ! ${message}`));
  for (const { job } of records)
    if (job.stage !== 'shipped')
      say(paint('yellow', `  ! ${job.jobId} is in ${job.stage}: ${job.failure?.message ?? 'not ended'}`));
  const auditGaps = audit.findings.length + records.reduce((sum, record) => sum + stageGaps(record), 0);
  const double = doubleRuns(records, witness) + (await doubleMerges(system.sampleRepository));
  const { all, alone } = recoveries(records, blows, options.leaseSeconds);
  if (options.history !== undefined)
    writeFileSync(
      options.history,
      historyOf(records, witness)
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(''),
    );
  const lost = load.jobIds.length - shipped - failed;
  const recoveryAlone = percentiles(alone);
  const kinds = [...new Set(blows.map(({ kind }) => kind))].toSorted();
  return {
    seed: options.seed,
    seconds: options.seconds,
    submitted: load.jobIds.length,
    shipped,
    failed,
    lost,
    double,
    auditGaps,
    disturbances: Object.fromEntries(
      kinds.map((kind) => [kind, blows.filter((blow) => blow.kind === kind).length]),
    ),
    leaseSeconds: options.leaseSeconds,
    recovery: percentiles(all),
    recoveryAlone,
    throughput,
    ok:
      lost === 0 &&
      failed === 0 &&
      double === 0 &&
      auditGaps === 0 &&
      shipped > 0 &&
      recoveryAlone.p99Ms <= options.leaseSeconds * 1000 + RECOVERY_MARGIN_MS,
  };
}

async function disturb(
  target: Target,
  options: ChaosOptions,
  { witness, signal, step }: { witness: ClaimWitness; signal: AbortSignal; step: (step: string) => void },
): Promise<ChaosResult> {
  const { system } = target;
  const load = startLoad(system, `chaos-${options.seed}`, WIDTH);
  try {
    const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
    const [least, most] = BASELINE_SECONDS;
    const baseline = Math.min(most, Math.max(least, options.seconds * BASELINE_SHARE)) * 1000;
    const begin = Date.now();
    await wait(baseline);
    const calmUntil = Date.now();
    step(`undisturbed: ${perMinute(load, begin, calmUntil)} jobs a minute`);

    const all = disturbances(target);
    const plan = (share: number) => ({
      seed: options.seed,
      forMs: options.seconds * share * 1000,
      signal,
      onBlow: (kind: string, part: string) =>
        say(paint('gray', `    ${kind}${part.startsWith('factory') ? `  ${part}` : ''}`)),
    });
    const ofFactories = all.filter(({ factory }) => factory !== undefined);
    const blows = [
      ...(await carryOut(ofFactories, plan(FACTORIES_SHARE))),
      ...(await carryOut(all, plan(1 - FACTORIES_SHARE))),
    ];
    await calm(target);
    const end = Date.now();
    step(`${blows.length} disturbances, seed ${options.seed}; waiting for what is under way`);
    await load.drain(DRAIN_MS);
    step(`${load.ended.size} of ${load.jobIds.length} jobs have ended`);
    const [undisturbed, disturbed] = [perMinute(load, begin, calmUntil), perMinute(load, calmUntil, end)];
    const share = undisturbed === 0 ? 0 : Math.round((disturbed / undisturbed) * 100) / 100;
    const throughput = { undisturbed, disturbed, share };
    return await judge(system, options, { witness, load, blows, throughput });
  } finally {
    load.stop();
  }
}

/**
 * The running product under load while its parts are killed, paused, cut off and throttled by a plan drawn from the
 * seed; then what became of the work. In a folder of its own and on free ports. Sets the exit code: 0 when nothing was
 * lost, doubled or unrecorded.
 */
export async function runChaos(options: ChaosOptions): Promise<void> {
  const dataDir = mkdtempSync(path.join(os.tmpdir(), 'gigafactory-chaos-'));
  const step = stopwatch();
  const signal = stopSignal();
  const witness = new ClaimWitness();
  const lines: Line[] = [];
  const log: string[] = [];
  let system: System | undefined;
  let target: Target | undefined;
  try {
    say(paint('bold', '\nchaos'));
    const started = await startSystem({
      dataDir,
      signal,
      ports: FREE_PORTS,
      factories: 0,
      leaseSeconds: options.leaseSeconds,
      feedPollMs: FEED_POLL_MS,
      restartDelaysMs: [RESTART_MS, RESTART_MS],
      watch: false,
      sample: false,
      onStep: step,
      onLog: (source, line) => {
        witness.hear(source, line);
        if (options.keep) log.push(`${new Date().toISOString()} ${source}: ${line}`);
      },
      onNotice: () => {},
    });
    system = started;
    const names = Array.from({ length: FACTORIES }, (_, at) => `factory-${at + 1}`);
    const factories = await Promise.all(names.map((name) => startFactory(started, name, lines)));
    target = { system: started, factories, leaseSeconds: options.leaseSeconds };
    step(`${FACTORIES} factories with ${STATIONS} stations each`);
    const result = await disturb(target, options, { witness, signal, step });
    print(result);
    if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    process.exitCode = result.ok ? 0 : 1;
  } finally {
    if (target) await calm(target);
    await system?.stop();
    await Promise.all(lines.map((line) => line.close()));
    if (options.keep) {
      writeFileSync(path.join(dataDir, 'chaos.log'), log.map((line) => `${line}\n`).join(''));
      say(`  data and log kept in ${dataDir}`);
    } else rmSync(dataDir, { recursive: true, force: true });
  }
}

function print(result: ChaosResult): void {
  const { recovery, recoveryAlone, throughput } = result;
  const times = ({ count, p50Ms, p99Ms }: Percentiles): string =>
    count === 0 ? 'none' : `p50 ${p50Ms} ms, p99 ${p99Ms} ms of ${count}`;
  const rows = [
    ['submitted', result.submitted],
    ['shipped', result.shipped],
    ['failed', result.failed],
    ['lost', result.lost],
    ['double', result.double],
    ['audit gaps', result.auditGaps],
    ['recovery', times(recovery)],
    ['  control plane up', `${times(recoveryAlone)}; a lease is ${result.leaseSeconds} s`],
    ['throughput', `${throughput.disturbed} jobs a minute, ${throughput.undisturbed} undisturbed`],
    ['ok', result.ok],
  ];
  say();
  for (const [name, value] of rows) say(`  ${String(name).padEnd(20)} ${String(value)}`);
}
