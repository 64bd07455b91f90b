import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ClaimWitness } from '../proofs/claimWitness.js';
import { mostAtOnce, overlaps, readRecord, type JobRecord } from '../proofs/jobs.js';
import { FREE_PORTS, PRODUCT, startSystem, type System } from '../system.js';
import { aborted, paint, printable, say, speakOnStdout, stopSignal, stopwatch } from '../terminal.js';
import { until } from '../until.js';

const JOBS = 4;
/** Short, so that nobody waits long for the dead factory's job; long enough for two busy cores (s). */
const LEASE_SECONDS = 5;
const FEED_POLL_MS = 500;

/** What `--json` prints. */
export interface TwoFactoriesResult {
  readonly jobs: number;
  /** Epochs that two factories were given, and runs of one job that were live at the same time. */
  readonly doubleAssigned: number;
  /** Most factories at work on jobs at one moment. */
  readonly parallel: number;
  /** Jobs of the killed factory that were taken back and completed by the other one. */
  readonly reclaimed: number;
  /** HTTP status of the killed factory's report that comes after that. */
  readonly zombieStatus: number;
  readonly ok: boolean;
}

interface Stage {
  readonly system: System;
  readonly witness: ClaimWitness;
  readonly dataDir: string;
  readonly gate: string;
  readonly step: (step: string) => void;
}

/** A job that works until the gate is open, so that it is certain what runs when a factory is killed. */
async function submit({ system, gate }: Stage, number: number): Promise<string> {
  const file = `PROOF-${number}.md`;
  const { job } = (await system.api('POST', 'jobs', {
    productId: PRODUCT,
    manifest: {
      title: `Write ${file}`,
      engine: 'shell',
      verify: `test -f ${file}`,
      retry: { max: 3, backoff: '1s' },
      body: `while [ ! -f '${gate}' ]; do sleep 0.1; done\necho done > ${file}\n`,
    },
  })) as { job: { jobId: string } };
  return job.jobId;
}

const readAll = (system: System, jobIds: readonly string[]): Promise<JobRecord[]> =>
  Promise.all(jobIds.map((jobId) => readRecord(system, jobId)));

/** Two jobs that two factories work on at this moment. */
const bothBuilding = (system: System, jobIds: readonly string[]): Promise<JobRecord[]> =>
  until('two factories that work at the same time', async () => {
    const building = (await readAll(system, jobIds)).filter(({ job }) => job.stage === 'building');
    const holders = new Set(building.map(({ job }) => job.holder));
    return holders.size >= 2 ? building : undefined;
  });

/** What a factory that was paused, cut off or taken for dead sends when it is back: its result, under its old epoch. */
async function lateReport(stage: Stage, victim: string, jobId: string): Promise<number> {
  const file = path.join(stage.dataDir, 'factories', victim, 'token');
  const { token } = JSON.parse(readFileSync(file, 'utf8')) as { token: string };
  const answer = await fetch(`${stage.system.apiUrl}/fleet/jobs/${jobId}/runs/1/report`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      kind: 'finished',
      change: {
        branch: 'aq/zombie',
        commit: 'dead'.repeat(10),
        baseCommit: 'beef'.repeat(10),
        filesChanged: ['ZOMBIE.md'],
        insertions: 1,
        deletions: 0,
      },
      usage: { wallSeconds: 1, tokens: 0, usd: 0, accuracy: 'exact' },
    }),
  });
  const { title = '' } = (await answer.json()) as { title?: string };
  say(paint('gray', `    the control plane says: ${printable(title)}`));
  return answer.status;
}

async function prove(stage: Stage): Promise<TwoFactoriesResult> {
  const { system, witness, step } = stage;
  const jobIds = await Promise.all(Array.from({ length: JOBS }, (_, at) => submit(stage, at + 1)));
  step(`${JOBS} jobs submitted`);

  const building = await bothBuilding(system, jobIds);
  for (const { job } of building) say(paint('gray', `    ${job.jobId} on ${job.holder ?? '-'}`));
  step('two factories work at the same time');

  const victim = system.factories[0];
  const lost = building.find(({ job }) => job.holder === victim?.name)?.job;
  if (!victim || !lost) throw new Error('the first factory works on nothing');
  const killedAt = Date.now();
  await victim.kill();
  step(`${victim.name} killed (SIGKILL) in the middle of ${lost.jobId}, epoch ${lost.epoch}`);

  const taken = await until(`${lost.jobId} to be taken back`, async () => {
    const record = await readRecord(system, lost.jobId);
    return record.runs[0]?.status === 'lost' ? record : undefined;
  });
  const after = Date.parse(taken.runs[0]?.endedAt ?? '') - killedAt;
  step(`${lost.jobId} taken back ${(after / 1000).toFixed(1)} s later (a lease is ${LEASE_SECONDS} s)`);

  writeFileSync(stage.gate, '');
  const records = await until('every job to be in testing', async () => {
    const all = await readAll(system, jobIds);
    const failed = all.find(({ job }) => job.stage === 'failed' || job.stage === 'dead_letter');
    if (failed) throw new Error(`${failed.job.jobId} failed: ${failed.job.failure?.message ?? ''}`);
    return all.every(({ job }) => job.stage === 'testing') ? all : undefined;
  });
  for (const { job, runs } of records) {
    const way = runs.map((run) => `epoch ${run.epoch} ${run.factoryId} ${run.status}`).join(', ');
    say(paint('gray', `    ${job.jobId}  ${way}`));
  }
  step('every job is in testing');

  const zombieStatus = await lateReport(stage, victim.name, lost.jobId);
  const [before, now] = [
    records.find(({ job }) => job.jobId === lost.jobId),
    await readRecord(system, lost.jobId),
  ];
  const unchanged = JSON.stringify(before) === JSON.stringify(now);
  step(`the killed factory's late report: HTTP ${zombieStatus}, job ${unchanged ? 'unchanged' : 'CHANGED'}`);

  const reclaimed = records.filter(({ runs }) =>
    runs.some(
      (run, at) =>
        run.status === 'lost' &&
        run.factoryId === victim.name &&
        runs.slice(at + 1).some((next) => next.status === 'succeeded' && next.factoryId !== victim.name),
    ),
  ).length;
  const doubleAssigned =
    witness.double().length + records.reduce((sum, record) => sum + overlaps(record).length, 0);
  const parallel = mostAtOnce(records);
  return {
    jobs: records.length,
    doubleAssigned,
    parallel,
    reclaimed,
    zombieStatus,
    ok: doubleAssigned === 0 && parallel >= 2 && reclaimed >= 1 && zombieStatus === 409 && unchanged,
  };
}

/**
 * Two factory processes, four jobs, one SIGKILL: shows that no job is given twice, that factories work side by side,
 * that a dead one's job is completed by the other, and that its late report changes nothing. In a folder of its own
 * and on free ports. Sets the exit code: 0 when all of it was seen.
 */
export async function runTwoFactories(options: { json: boolean; keep: boolean }): Promise<void> {
  const dataDir = mkdtempSync(path.join(os.tmpdir(), 'gigafactory-two-'));
  if (!options.json) speakOnStdout();
  const step = stopwatch();
  const signal = stopSignal();
  const witness = new ClaimWitness();
  let system: System | undefined;
  try {
    say(paint('bold', '\ntwo factories'));
    system = await startSystem({
      dataDir,
      signal,
      ports: FREE_PORTS,
      factories: 2,
      leaseSeconds: LEASE_SECONDS,
      feedPollMs: FEED_POLL_MS,
      watch: false,
      sample: false,
      onStep: step,
      onLog: (source, line) => witness.hear(source, line),
      onNotice: (message) => say(paint('yellow', `  ! ${message}`)),
    });
    const stage = { system, witness, dataDir, gate: path.join(dataDir, 'gate'), step };
    const result = await Promise.race([prove(stage), aborted(signal)]);
    if (!result) throw signal.reason;
    say();
    for (const [name, value] of Object.entries(result)) say(`  ${name.padEnd(16)} ${String(value)}`);
    if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    process.exitCode = result.ok ? 0 : 1;
  } finally {
    await system?.stop();
    if (options.keep) say(`  data kept in ${dataDir}`);
    else rmSync(dataDir, { recursive: true, force: true });
  }
}
