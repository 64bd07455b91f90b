// How fast a run's log goes from its engine through the real agent, its redaction and the control plane to the blob:
// an engine that prints as fast as it is let, on the whole embedded cloud.
import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { JobDetail } from '../../shared/contract/api.js';
import { startTestSystem, type System } from '../support/system.js';
import type { Figure } from './figure.js';

const LINES = 1_000_000;
const FILLER = 'the quick brown fox jumps over the lazy dog; '.repeat(3).slice(0, 115);
/** Every so many lines hold a token that must not be there any more. */
const SECRET_EVERY = 10_000;
const PREFIX = 'ghp_';
const TOKEN = PREFIX + createHash('sha256').update('no token').digest('hex').slice(0, 36);
const LOOK_MS = 20;
const DEADLINE_MS = 300_000;

const lineOf = (n: number): string => `line ${n} ${n % SECRET_EVERY === 0 ? '[redacted]' : FILLER}`;

/**
 * It changes nothing, so the run is over with its log: no commit, push or check is in the time.
 * awk keeps up with anything that reads it; the token is put together there, so that no manifest holds it.
 */
const SCRIPT = `awk 'BEGIN {
  token = "${PREFIX.slice(0, 2)}" "${TOKEN.slice(2)}"
  for (i = 0; i < ${LINES}; i++) print "line " i " " (i % ${SECRET_EVERY} ? "${FILLER}" : token)
}'`;

/** Of a process, the most that was resident (megabytes). */
const peakOf = (pid: number): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1024;

/** What `aq logs` says of the job, held line by line against what was printed. */
async function missingLines(system: System, jobId: string): Promise<{ lost: number; secrets: number }> {
  const env = { ...process.env, GIGAFACTORY_CONNECTION: system.connectionFile, NO_COLOR: '1' };
  const aq = spawn(process.execPath, [path.resolve('cli/aq.mjs'), 'logs', jobId], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let next = 0;
  let lost = 0;
  let secrets = 0;
  for await (const line of createInterface({ input: aq.stdout })) {
    if (line.includes(TOKEN)) secrets += 1;
    if (!line.startsWith('line ')) continue;
    // Out of order, twice or damaged is as bad as lost.
    if (line === lineOf(next)) next += 1;
    else lost += 1;
  }
  return { lost: lost + LINES - next, secrets };
}

export async function run(): Promise<readonly Figure[]> {
  const { system, lines, dispose } = await startTestSystem({ factories: 0, leaseSeconds: 30 });
  try {
    const factory = await system.startFactory('factory-1');
    const { job } = (await system.api('POST', 'jobs', {
      productId: 'sample',
      manifest: {
        title: 'Prints much',
        engine: 'shell',
        repo: system.sampleRepository,
        body: SCRIPT,
      },
    })) as JobDetail;
    const said = async (what: RegExp): Promise<number> => {
      for (const deadline = performance.now() + DEADLINE_MS; !lines.some((line) => what.test(line));) {
        if (performance.now() > deadline) throw new Error(`the factory never said ${what}`);
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
      return performance.now();
    };
    const begun = await said(/engine started/);
    // Before its last report a run waits for the last byte of its log to be acknowledged.
    const ended = await said(/run (failed|finished|released)/);
    const peakMb = process.platform === 'linux' ? peakOf(factory.pid ?? 0) : Number.NaN;
    const { lost, secrets } = await missingLines(system, job.jobId);
    let bytes = 0;
    for (let n = 0; n < LINES; n += 1) bytes += lineOf(n).length + 1;
    return [
      {
        name: 'factory.log_throughput',
        value: bytes / 1e6 / ((ended - begun) / 1000),
        unit: 'MB/s',
        goal: '>= 10',
      },
      { name: 'factory.log_lines_lost', value: lost, unit: 'lines', goal: '<= 0' },
      { name: 'factory.log_secrets_left', value: secrets, unit: 'lines', goal: '<= 0' },
      { name: 'factory.log_peak_resident', value: peakMb, unit: 'MB', goal: '<= 250' },
    ];
  } finally {
    await dispose();
  }
}
