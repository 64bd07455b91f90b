/** The engine's part of a run, whatever the run is for: who works where, what it may use, and how it ended. */
import type { RunReport } from '../../shared/contract/api.js';
import type { Usage } from '../../shared/contract/job.js';
import type { JobView } from '../../shared/contract/view.js';
import { assertExhaustive } from '../../shared/errors.js';
import { budgetLeft } from '../../shared/rules/budget.js';
import { settingsOf } from '../capabilities/config.js';
import type { Engine, EngineLimits, EngineRequest, EngineResult } from '../engines/engine.js';
import { engineNamed } from '../engines/registry.js';
import { engineVariables } from '../processes/environment.js';
import { refuseInstallation } from '../workspace/installation.js';
import { PreflightError } from '../workspace/preflight.js';
import type { DiskSpace } from '../workspace/diskSpace.js';
import type { Checkout } from '../workspace/workspace.js';
import { repoOf, type RunContext } from './context.js';

/** How often the disk is looked at while an engine works (ms). */
const DISK_LOOK_MS = 1000;

/** @throws PreflightError when the job names no repository, or this factory has not the claimed engine */
export async function engineAndRepo({
  claim,
  engines,
}: RunContext): Promise<{ engine: Engine; repo: string }> {
  const repo = repoOf(claim);
  if (repo === undefined) throw new PreflightError('the job names no repository to work in (`repo`)');
  await refuseInstallation(repo);
  const engine = engineNamed(claim.run.engine, engines);
  if (!engine) throw new PreflightError(`this factory has no engine "${claim.run.engine}"`);
  return { engine, repo };
}

export function reportStart(
  { engineVersions, report, signal }: RunContext,
  { name }: Engine,
): Promise<unknown> {
  const version = engineVersions.get(name);
  return report.send(
    { kind: 'started', ...(version === undefined ? {} : { engineVersion: version }) },
    signal,
  );
}

/** Lets the engine work in the checkout until it ends. @throws the signal's reason when the run is stopped */
export async function runEngine(
  context: RunContext,
  engine: Engine,
  checkout: Checkout,
  of: Pick<EngineRequest, 'env' | 'prompt' | 'repo'>,
): Promise<EngineResult> {
  const { claim, log, signal } = context;
  const { manifest } = claim.job;
  const settings = settingsOf(context.config, engine.name);
  const watch = watchDisk(context.workspace.disk);
  const running = engine.run(
    {
      ...of,
      env: { ...engineVariables(context.env, engine.variables, settings.pass), ...of.env },
      body: manifest.body,
      run: context.run,
      worktree: checkout.path,
      scratch: checkout.scratch,
      baseCommit: checkout.baseCommit,
      limits: limitsOf(claim.job),
      settings,
      yolo: manifest.yolo,
      onOutput: (chunk) => log.write(chunk),
      onStart: context.onEngineStart,
    },
    AbortSignal.any([signal, watch.full]),
  );
  const result = await running.finally(() => watch.stop());
  context.onUsage('usage' in result ? result.usage : undefined);
  signal.throwIfAborted();
  if (result.kind !== 'aborted' || !watch.full.aborted) return result;
  return { kind: 'failed', exitCode: null, message: String(watch.full.reason), usage: result.usage };
}

/** Ends an engine that fills the disk while there is room to say so. */
function watchDisk(disk: DiskSpace): { readonly full: AbortSignal; stop(): void } {
  const full = new AbortController();
  const look = async (): Promise<void> => {
    const why = await disk.emergency().catch(() => undefined);
    if (why !== undefined) full.abort(why);
  };
  const timer = setInterval(() => void look(), DISK_LOOK_MS);
  timer.unref();
  return { full: full.signal, stop: () => clearInterval(timer) };
}

export function failed(
  reason: Extract<RunReport, { kind: 'failed' }>['reason'],
  message: string,
  usage: Usage | undefined,
  exitCode: number | null,
): RunReport {
  return { kind: 'failed', reason, message, exitCode, ...(usage ? { usage } : {}) };
}

/** What the engine may use: what is left of the job's budgets, and its time. */
function limitsOf(job: JobView): EngineLimits {
  const { usd, tokens, wall } = budgetLeft(job);
  return {
    wallSeconds: Math.min(job.manifest.timeout, wall ?? Infinity),
    ...(usd !== undefined && { usd }),
    ...(tokens !== undefined && { tokens }),
  };
}

/** The report for an engine that did not complete; undefined when it did. */
export function failureOf(result: EngineResult, job: JobView): RunReport | undefined {
  switch (result.kind) {
    case 'completed':
      return undefined;
    case 'failed': {
      const reason = result.refused === true ? 'refused' : 'engine_failed';
      return failed(reason, result.message, result.usage, result.exitCode);
    }
    case 'ended':
      return ended(result, job);
    case 'unfit':
      return failed('preflight', result.message, result.usage, null);
    case 'aborted':
      throw new Error('the engine ended itself as if it had been stopped');
    default:
      return assertExhaustive(result);
  }
}

function ended(
  { ceiling, message, usage }: Extract<EngineResult, { kind: 'ended' }>,
  job: JobView,
): RunReport {
  const { timeout, budget } = job.manifest;
  const over = (reason: 'budget' | 'timeout' | 'engine_failed', why: string): RunReport =>
    failed(reason, `${why}\n${message}`.trim(), usage, null);
  switch (ceiling) {
    case 'wall': {
      const wall = budgetLeft(job).wall ?? Infinity;
      return wall < timeout
        ? over('budget', `the run reached its wall budget of ${budget.wall} s and was ended`)
        : over('timeout', `the run reached its timeout of ${timeout} s and was ended`);
    }
    case 'usd':
      return over('budget', `the job's budget of $${budget.usd} is used up and the run was ended`);
    case 'tokens':
      return over('budget', `the job's budget of ${budget.tokens} tokens is used up and the run was ended`);
    case 'stall':
      return over('timeout', 'the engine hung and was ended');
    case 'loop':
      return over('engine_failed', 'the engine made no progress and was ended');
    default:
      return assertExhaustive(ceiling);
  }
}
