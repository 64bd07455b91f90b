// What a disturbed run has shown, from three sources that do not depend on each other: the API's records, what the
// factories said, and the repository that the work ended up in.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ClaimWitness } from './claimWitness.js';
import { overlaps, type JobRecord, type RunRecord } from './jobs.js';
import type { Blow } from './plan.js';

/** Milliseconds. */
export interface Percentiles {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export const percentiles = (values: readonly number[]): Percentiles => {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (share: number): number =>
    Math.round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99) };
};

/** Merges into the base branch that are one too many for their job. */
export async function doubleMerges(repository: string): Promise<number> {
  const { stdout } = await promisify(execFile)(
    'git',
    ['-C', repository, 'log', 'main', '--first-parent', '--format=%B'],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  const jobIds = [...stdout.matchAll(/^Job: (\S+)$/gm)].map(([, jobId]) => jobId);
  return jobIds.length - new Set(jobIds).size;
}

/** What the factories were given twice, and runs of one job that were live at the same time. */
export const doubleRuns = (records: readonly JobRecord[], witness: ClaimWitness): number =>
  witness.double().length + records.reduce((sum, record) => sum + overlaps(record).length, 0);

/** Changes of a stage without their event: each event begins in the stage that the one before it left. */
export function stageGaps({ job, events }: JobRecord): number {
  let stage: string | undefined;
  let gaps = 0;
  for (const [at, event] of events.entries()) {
    const begins = event.from ?? event.stage;
    if (event.seq !== at + 1 || (stage !== undefined && begins !== stage)) gaps += 1;
    ({ stage } = event);
  }
  return stage === job.stage ? gaps : gaps + 1;
}

/** Parts whose absence delays any takeover. */
const OUTAGE = /^(functions|database)/;

export interface Recoveries {
  /** From the blow that silenced a factory until its job was free again. */
  readonly all: number[];
  /** Those during which the control plane and its database were left alone. */
  readonly alone: number[];
}

/** The reaper's words: when the lease of the lost run had ended. */
const EXPIRED = /since before (\S+Z)/;

/** A run counts from the blow that was in force, or the first that came, after its factory had renewed last. */
export function recoveries(
  records: readonly JobRecord[],
  blows: readonly Blow[],
  leaseSeconds: number,
): Recoveries {
  const all: number[] = [];
  const alone: number[] = [];
  for (const { runs, events } of records)
    for (const run of runs) {
      const lostAt = Date.parse(run.endedAt ?? '');
      if (run.status !== 'lost' || Number.isNaN(lostAt)) continue;
      const told = events.find(({ body }) => body.kind === 'run.lost' && body.epoch === run.epoch)?.body;
      const expiry = Date.parse(EXPIRED.exec(told?.message ?? '')?.[1] ?? '');
      const renewedAt = Number.isNaN(expiry) ? Date.parse(run.startedAt) : expiry - leaseSeconds * 1000;
      const blow = firstOf(blows.filter((one) => silences(one, run, renewedAt, lostAt)));
      if (!blow) continue;
      // A blow that began before the run was given did not keep it from being given.
      const from = Math.max(blow.from, Date.parse(run.startedAt));
      all.push(lostAt - from);
      const outage = blows.some((one) => OUTAGE.test(one.kind) && one.from < lostAt && one.to > from);
      if (!outage) alone.push(lostAt - from);
    }
  return { all, alone };
}

const firstOf = (blows: readonly Blow[]): Blow | undefined =>
  blows.toSorted((one, other) => one.from - other.from)[0];

const silences = (blow: Blow, run: RunRecord, renewedAt: number, lostAt: number): boolean =>
  blow.factory === run.factoryId &&
  !blow.kind.endsWith('from the bus') &&
  blow.to > renewedAt &&
  blow.from <= lostAt;

/** One line of the history that test/sim/history.ts judges. */
export interface HistoryLine {
  readonly actor: string;
  readonly op: 'claim' | 'renew' | 'complete' | 'lose';
  readonly jobId: string;
  readonly epoch: number;
  readonly invokedAt: number;
  readonly returnedAt: number;
  readonly result: 'ok' | 'stale' | 'unknown';
}

/** When a run was given is the control plane's word; that it was, and what was answered to its end, the factory's. */
export function historyOf(records: readonly JobRecord[], witness: ClaimWitness): HistoryLine[] {
  const runs = new Map(
    records.flatMap(({ job, runs: own }) => own.map((run) => [`${job.jobId}.${run.epoch}`, { job, run }])),
  );
  const startOf = (jobId: string, epoch: number, at: number): number =>
    Math.min(at, Date.parse(runs.get(`${jobId}.${epoch}`)?.run.startedAt ?? '') || at);
  const claims = witness.claims.map(({ factory, jobId, epoch, at }): HistoryLine => {
    const line = { actor: factory, op: 'claim', jobId, epoch, returnedAt: at, result: 'ok' } as const;
    return { ...line, invokedAt: startOf(jobId, epoch, at) };
  });
  const ends = witness.ends.map(({ factory, jobId, epoch, at, how }): HistoryLine => {
    const line = { actor: factory, jobId, epoch, invokedAt: startOf(jobId, epoch, at), returnedAt: at };
    return how === 'reported'
      ? { ...line, op: 'complete', result: 'ok' }
      : { ...line, op: 'renew', result: 'stale' };
  });
  const losses = [...runs.values()].flatMap(({ job, run }): HistoryLine[] => {
    if (run.status !== 'lost' || run.endedAt === undefined) return [];
    const at = Date.parse(run.endedAt);
    return [
      {
        actor: 'reaper',
        op: 'lose',
        jobId: job.jobId,
        epoch: run.epoch,
        invokedAt: at,
        returnedAt: at,
        result: 'ok',
      },
    ];
  });
  return [...claims, ...ends, ...losses];
}
