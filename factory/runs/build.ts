/** A build run: the engine changes a fresh worktree, the change is pushed as the feature branch, then verified. */
import type { RunReport } from '../../shared/contract/api.js';
import type { Change, Usage } from '../../shared/contract/job.js';
import { assertExhaustive } from '../../shared/errors.js';
import { verifyOf } from '../../shared/rules/profile.js';
import { engineNamed } from '../engines/registry.js';
import type { EngineResult } from '../engines/engine.js';
import { runEnvironment } from '../processes/environment.js';
import { commitChange, featureBranch, push } from '../workspace/change.js';
import { PreflightError } from '../workspace/preflight.js';
import type { Checkout } from '../workspace/workspace.js';
import { commitMessage, repoOf, type RunContext } from './context.js';
import { verifyChange } from './verify.js';

/** How often the feature branch may move under us; every time the lease is asked again. */
const MAX_PUSHES = 3;

/**
 * Works until the last report of the run is known; the ones before it are sent on the way.
 * @throws PreflightError when it cannot begin; GitError; the signal's reason when it is stopped
 */
export async function buildRun(context: RunContext): Promise<RunReport> {
  const { claim, log, signal } = context;
  const { manifest } = claim.job;
  const repo = repoOf(claim);
  if (repo === undefined) throw new PreflightError('the job names no repository to work in (`repo`)');
  const engine = engineNamed(claim.run.engine, context.engines);
  if (!engine) throw new PreflightError(`this factory has no engine "${claim.run.engine}"`);

  const branch = featureBranch(claim.job.jobId);
  const checkout = await context.workspace.checkout(
    { run: context.run, repo, baseBranch: manifest['base-branch'], featureBranch: branch },
    signal,
  );
  log.note(`${manifest['base-branch']} is at ${checkout.baseCommit.slice(0, 12)}; engine ${engine.name}`);

  const version = context.engineVersions.get(engine.name);
  const started = context.report.send(
    { kind: 'started', ...(version === undefined ? {} : { engineVersion: version }) },
    signal,
  );
  // The engine does not wait for the answer; a refusal comes out below, and the lease stops the run anyway.
  started.catch(() => {});
  const env = runEnvironment(context.env, context.run, checkout.scratch);
  const result = await engine.run(
    {
      body: manifest.body,
      run: context.run,
      worktree: checkout.path,
      scratch: checkout.scratch,
      env,
      wallSeconds: Math.min(manifest.timeout, manifest.budget.wall ?? Infinity),
      onOutput: (chunk) => log.write(chunk),
      onStart: context.onEngineStart,
    },
    signal,
  );
  signal.throwIfAborted();
  await started;
  const failure = failureOf(result, manifest.timeout, manifest.budget.wall);
  if (failure) return failure;
  const { usage } = result as Extract<EngineResult, { kind: 'completed' }>;

  const change = await commitChange(checkout, branch, commitMessage(claim.job.title, claim));
  if (!change) {
    return failed(
      'no_change',
      'the engine ended well but changed nothing: the result equals the base',
      usage,
      0,
    );
  }
  const refusal = await pushFeature(context, checkout, change);
  if (refusal !== undefined) return failed('refused', refusal, usage, null);
  log.note(`${branch} is at ${change.commit.slice(0, 12)}, ${summary(change)}`);

  const finished: RunReport = { kind: 'finished', change, usage };
  const command = verifyOf(claim.job);
  if (command === undefined) return finished;
  await context.report.send(finished, signal);
  log.note(`verify: ${command}`);
  const verify = await verifyChange(
    { command, checkout, env, run: context.run, seconds: manifest.timeout },
    (chunk) => log.write(chunk),
    signal,
  );
  signal.throwIfAborted();
  log.note(`verify ${verify.passed ? 'passed' : 'failed'} after ${(verify.durationMs / 1000).toFixed(1)} s`);
  return { kind: 'verified', verify };
}

const summary = ({ filesChanged, insertions, deletions }: Change): string =>
  `${filesChanged.length} file${filesChanged.length === 1 ? '' : 's'} changed, +${insertions} -${deletions}`;

function failed(
  reason: Extract<RunReport, { kind: 'failed' }>['reason'],
  message: string,
  usage: Usage | undefined,
  exitCode: number | null,
): RunReport {
  return { kind: 'failed', reason, message, exitCode, ...(usage ? { usage } : {}) };
}

/** The report for an engine that did not complete; undefined when it did. */
function failureOf(result: EngineResult, timeout: number, wall: number | undefined): RunReport | undefined {
  switch (result.kind) {
    case 'completed':
      return undefined;
    case 'failed':
      return failed('engine_failed', result.message, result.usage, result.exitCode);
    case 'timeout': {
      const limit =
        wall !== undefined && wall < timeout ? `its wall budget of ${wall} s` : `its timeout of ${timeout} s`;
      return failed(
        'timeout',
        `the run reached ${limit} and was ended\n${result.message}`.trim(),
        result.usage,
        null,
      );
    }
    case 'unfit':
      return failed('preflight', result.message, undefined, null);
    case 'aborted':
      throw new Error('the engine ended itself as if it had been stopped');
    default:
      return assertExhaustive(result);
  }
}

/**
 * Replaces the feature branch, only while the lease is held.
 * @returns why the repository does not take it; undefined when it did
 */
async function pushFeature(
  context: RunContext,
  checkout: Checkout,
  { commit, branch }: Change,
): Promise<string | undefined> {
  let expected = checkout.featureCommit;
  for (let attempt = 1; attempt <= MAX_PUSHES; attempt += 1) {
    await context.mayPush();
    const pushed = await push(checkout, { commit, branch, replaces: { expected } }, context.signal);
    if (pushed.kind === 'pushed') return undefined;
    if (pushed.kind === 'refused') return pushed.message;
    // A worker of an earlier epoch pushed after we began. It has lost its lease; we have just renewed ours.
    expected = (await checkout.mirror.heads([branch], context.signal)).get(branch);
  }
  return `branch "${branch}" was changed by others ${MAX_PUSHES} times while it was being pushed`;
}
