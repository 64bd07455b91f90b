// Shows on the terminal what happens to jobs: each change of stage, and the log of one running job at a time.
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { END_WITH_PARENT } from './processes.js';
import type { System } from './system.js';
import { paint, printable, say } from './terminal.js';

const POLL_MS = 500;
const aq = path.join(
  path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url)))),
  'cli',
  'aq.mjs',
);

/** What the API says of a job, as far as it is shown here. */
export interface JobLine {
  readonly jobId: string;
  readonly title: string;
  readonly stage: string;
  readonly epoch: number;
  readonly holder?: string;
  readonly landing?: unknown;
  readonly failure?: { readonly message: string };
  readonly mergeCommit?: string;
}

export interface Follower {
  stop(): void;
}

/** One line on a job's new state. */
export const describeJob = (job: JobLine): string => {
  const by = job.holder ? paint('gray', ` on ${printable(job.holder)}`) : '';
  const why =
    job.failure && job.stage !== 'shipped'
      ? paint('gray', ` (${printable(job.failure.message.split('\n')[0] ?? '')})`)
      : '';
  const stage = job.landing && job.stage === 'testing' ? 'testing, landing' : job.stage;
  return `  ${paint('cyan', job.jobId)}  ${paint('bold', stage)}${by}${why}${paint('gray', `  ${printable(job.title)}`)}`;
};

/** Stages in which a build of this epoch runs or is over: a short one may be over before anybody looked. */
const BUILT = new Set(['building', 'review', 'testing', 'failed', 'dead_letter']);

/**
 * Which job's log to show next: one whose build was not shown yet.
 * @param shown epoch of the last build shown, or passed over, by job id; brought up to date
 */
export function nextBuild(jobs: readonly JobLine[], shown: Map<string, number>): JobLine | undefined {
  for (const job of jobs) if (job.landing) shown.set(job.jobId, job.epoch);
  const next = jobs.find((job) => BUILT.has(job.stage) && job.epoch > (shown.get(job.jobId) ?? 0));
  if (next) shown.set(next.jobId, next.epoch);
  return next;
}

/**
 * Follows all jobs until stopped. Trouble with the API is waited out: the system says itself when a part is down.
 * @param options.aqPrefix goes before `npx aq` where a person is told to ship; left out, nobody is
 */
export function followJobs(system: System, options: { aqPrefix?: string }): Follower {
  const seen = new Map<string, string>();
  const shown = new Map<string, number>();
  let isFirstLook = true;
  let log: ChildProcess | undefined;
  let stopped = false;

  const followLog = (job: JobLine): void => {
    log = spawn(process.execPath, [...END_WITH_PARENT, aq, 'logs', job.jobId, '-f'], {
      env: { ...process.env, GIGAFACTORY_CONNECTION: system.connectionFile, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
    });
    if (log.stdout)
      createInterface({ input: log.stdout }).on('line', (line) =>
        say(paint('gray', `    │ ${printable(line)}`)),
      );
    log.once('close', () => {
      log = undefined;
    });
  };

  const look = async (): Promise<void> => {
    const { jobs } = (await system.api('GET', 'jobs?limit=50')) as { jobs: JobLine[] };
    for (const job of jobs.toReversed()) {
      // Builds that were over before we came are history.
      if (isFirstLook && job.stage !== 'building') shown.set(job.jobId, job.epoch);
      const state = `${job.stage} ${job.epoch} ${job.landing ? 'landing' : ''}`;
      if (seen.get(job.jobId) === state) continue;
      seen.set(job.jobId, state);
      say(describeJob(job));
      if (options.aqPrefix !== undefined && job.stage === 'testing' && !job.landing)
        say(`      ship it:  ${options.aqPrefix}npx aq ship ${job.jobId}   (or the button in the console)`);
    }
    isFirstLook = false;
    const build = log ? undefined : nextBuild(jobs.toReversed(), shown);
    if (build) followLog(build);
  };

  void (async () => {
    while (!stopped) {
      await look().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  })();
  return {
    stop() {
      stopped = true;
      log?.kill();
    },
  };
}
