// The whole product for end-to-end tests: the built files, every part its own process, free ports, a folder of its own.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { JobDetail } from '../../shared/contract/api.js';
import type { Stage } from '../../shared/contract/job.js';

type SystemModule = typeof import('../../local/system.js');
type Options = Parameters<SystemModule['startSystem']>[0];
export type System = Awaited<ReturnType<SystemModule['startSystem']>>;

/** Short, so that a killed factory's job is free again soon; long enough for two busy cores. */
const LEASE_SECONDS = 3;
const POLL_MS = 100;
const DEADLINE_MS = 45_000;

/** A started system, and what its parts have printed. Call `dispose` in a `finally` or an `afterAll`. */
export async function startTestSystem(
  options: Partial<
    Pick<Options, 'factories' | 'sample' | 'dataDir' | 'leaseSeconds' | 'preemption' | 'restartDelaysMs'>
  > = {},
): Promise<{ system: System; dataDir: string; lines: readonly string[]; dispose: () => Promise<void> }> {
  // Tests and benchmarks run at the root of the checkout.
  const built = pathToFileURL(path.resolve('dist/local/system.js')).href;
  const { startSystem, FREE_PORTS } = (await import(built)) as SystemModule;
  const dataDir = options.dataDir ?? mkdtempSync(path.join(os.tmpdir(), 'gigafactory-e2e-'));
  const lines: string[] = [];
  const system = await startSystem({
    ports: FREE_PORTS,
    factories: 1,
    leaseSeconds: LEASE_SECONDS,
    feedPollMs: 200,
    watch: false,
    sample: false,
    signal: new AbortController().signal,
    onStep: () => {},
    onLog: (source, line) => lines.push(`${source}: ${line}`),
    onNotice: (message) => lines.push(message),
    ...options,
    dataDir,
  }).catch((error: unknown) => {
    throw new Error(`the system did not start:\n${lines.slice(-30).join('\n')}`, { cause: error });
  });
  return {
    system,
    dataDir,
    lines,
    async dispose() {
      await system.stop();
      if (!options.dataDir) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Is there a process with that id? */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Asks until there is an answer. @throws after a while, saying what was waited for and what was seen last */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  seen?: () => unknown,
): Promise<T> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline)
      throw new Error(`waited in vain for ${what}; last seen: ${JSON.stringify(seen?.())}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** The job once it is in that stage. @throws at once when it has failed instead */
export async function reach(system: System, jobId: string, stage: Stage): Promise<JobDetail> {
  let last: JobDetail | undefined;
  return until(
    `${jobId} to be in ${stage}`,
    async () => {
      last = (await system.api('GET', `jobs/${jobId}`)) as JobDetail;
      const now = last.job.stage;
      if (now !== stage && (now === 'failed' || now === 'dead_letter')) {
        throw new Error(`${jobId} is in ${now}: ${JSON.stringify(last.job.failure)}`);
      }
      return now === stage ? last : undefined;
    },
    () => ({ stage: last?.job.stage, events: last?.events.map((event) => event.body.kind) }),
  );
}

export interface AqResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `aq` as a person would. */
export async function aq(system: System, ...args: string[]): Promise<AqResult> {
  const env = { ...process.env, GIGAFACTORY_CONNECTION: system.connectionFile, NO_COLOR: '1' };
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['cli/aq.mjs', ...args], { env });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const failed = error as { code?: number; stdout?: string; stderr?: string };
    return { code: failed.code ?? 1, stdout: failed.stdout ?? '', stderr: failed.stderr ?? '' };
  }
}

/** git in a repository. */
export async function git(repository: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)('git', ['-C', repository, ...args]);
  return stdout.trim();
}

/** A call to the tracker stand-in's REST API. */
export async function tracker(
  system: System,
  route: string,
  init: { method?: string; body?: unknown } = {},
): Promise<unknown> {
  const { apiUrl, repository, token } = system.tracker;
  const answer = await fetch(`${apiUrl}/repos/${repository}${route}`, {
    method: init.method ?? 'GET',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
  });
  if (!answer.ok) throw new Error(`the tracker answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}
