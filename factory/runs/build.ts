/** A build run: the engine changes a fresh worktree, the change is pushed as the feature branch, then verified. */
import type { RunReport } from '../../shared/contract/api.js';
import type { Artifact, Change, Checkpoint, PullRequest, ScopeReport } from '../../shared/contract/job.js';
import { assertExhaustive } from '../../shared/errors.js';
import { goesDirectly } from '../../shared/rules/gates.js';
import { verifyOf } from '../../shared/rules/profile.js';
import { scopeOf } from '../../shared/rules/scope.js';
import type { EngineResult } from '../engines/engine.js';
import { describeFindings, secretsInCommits } from '../gates/secrets.js';
import { readReports } from '../gates/testReports.js';
import { reasonOf } from '../log.js';
import { CHECKPOINT_VARIABLE } from '../processes/environment.js';
import { composePrompt } from '../prompt.js';
import { ensurePullRequest } from '../pullRequests.js';
import { commitChange, featureBranch, push } from '../workspace/change.js';
import type { Checkout } from '../workspace/workspace.js';
import { keepArtifacts } from './artifacts.js';
import { commitMessage, type RunContext } from './context.js';
import { engineAndRepo, failed, failureOf, reportStart, runEngine } from './engineRun.js';
import { readRules, runAll, setUp, type RunRules } from './prepare.js';
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
  const { engine, repo } = await engineAndRepo(context);
  const branch = featureBranch(claim.job.jobId);
  const goesOn = engine.goesOn?.(manifest.body) ?? false;
  const checkpoint = goesOn ? claim.job.checkpoint : undefined;
  const checkout = await context.workspace.checkout(
    { run: context.run, repo, baseBranch: manifest['base-branch'], featureBranch: branch, checkpoint },
    signal,
  );
  const rules = await readRules(context, checkout);
  log.note(`${manifest['base-branch']} is at ${checkout.baseCommit.slice(0, 12)}; engine ${engine.name}`);
  if (checkpoint !== undefined) log.note(beginning(checkpoint, checkout));

  const started = reportStart(context, engine);
  // The engine does not wait for the answer; a refusal comes out below, and the lease stops the run anyway.
  started.catch(() => {});
  const env = {
    ...context.environment(checkout.scratch),
    [CHECKPOINT_VARIABLE]: checkout.resumed ? (checkpoint?.commit ?? '') : '',
  };
  await setUp(context, checkout, rules.settings, env, checkout.resumed ? undefined : []);
  await runAll(context, checkout, 'before-engine', rules.settings.hooks['before-engine'], env);
  const prompt = composePrompt(
    { ...claim.job, profile: rules.profile },
    {
      ...rules.scope,
      verify: rules.verify,
      baseBranch: manifest['base-branch'],
      resumed: checkout.resumed,
    },
  );
  if (goesOn) context.checkpoints.begin(checkout);
  const result = await runEngine(context, engine, checkout, { repo, prompt, env });
  await started;
  // Ended by us, for want of time or money: should it be run again, it goes on.
  if (result.kind === 'ended' && result.ceiling !== 'loop') await context.checkpoints.save(signal);
  await context.checkpoints.end();
  const failure = failureOf(result, claim.job);
  if (failure) return failure;
  const { usage } = result as Extract<EngineResult, { kind: 'completed' }>;

  await runAll(context, checkout, 'after-engine', rules.settings.hooks['after-engine'], env);
  const committed = await commitChange(checkout, branch, commitMessage(claim.job.title, claim));
  if (committed.kind === 'nothing') {
    return failed(
      'no_change',
      'the engine ended well but changed nothing: the result equals the base',
      usage,
      0,
    );
  }
  if (committed.kind === 'nested') return failed('refused', nestedMessage(committed.folders), usage, null);
  const change = { ...committed.change, scope: scopeOf(committed.files, rules.scope) };
  const secrets = await secretsInCommits(checkout.git, change.baseCommit, change.commit);
  if (secrets.length > 0) {
    // Its log and its reports are still to come.
    context.redactor.know(...secrets.map(({ value }) => value));
    const what = describeFindings(secrets);
    return failed('refused', `nothing was pushed, because the change holds ${what}`, usage, null);
  }
  for (const note of remarks(change.scope)) log.note(note);
  const refusal = await pushFeature(context, checkout, change);
  if (refusal !== undefined) return failed('refused', refusal, usage, null);
  log.note(`${branch} is at ${change.commit.slice(0, 12)}, ${summary(change)}`);

  const pullRequest = await openPullRequest(context, repo, branch);
  const { verify } = rules;
  const finished: RunReport = {
    kind: 'finished',
    change: { ...change, ...(pullRequest && { pullRequest }) },
    usage,
  };
  if (verify === undefined) return { ...finished, ...(await artifactsIn(context, checkout.path)) };
  await context.report.send(verifyOf(claim.job) === undefined ? { ...finished, verify } : finished, signal);
  const verified = await verifyRun(context, checkout, rules, {
    command: verify,
    commit: change.commit,
    files: committed.files,
  });
  if (!goesDirectly(claim.job, claim.run, { verify: verified.verify, scope: change.scope })) return verified;
  await context.report.send(verified, signal);
  return pushDirectly(context, checkout, change);
}

const beginning = ({ commit, baseCommit }: Checkpoint, { resumed }: Checkout): string =>
  resumed
    ? `goes on from the checkpoint ${commit.slice(0, 12)}, on ${baseCommit.slice(0, 12)}`
    : `the checkpoint ${commit.slice(0, 12)} is not there any more: begins anew`;

/** A change without a pull request is a change all the same: what GitHub refuses stands in the log. */
async function openPullRequest(
  { claim, env, githubTokens, log, mayPush, signal }: RunContext,
  repo: string,
  branch: string,
): Promise<PullRequest | undefined> {
  const { jobId, title, manifest, trackerItem } = claim.job;
  const about = trackerItem === undefined ? '' : `\n\nFor ${trackerItem.url}.`;
  await mayPush();
  try {
    const opened = await ensurePullRequest(
      {
        repo,
        branch,
        baseBranch: manifest['base-branch'],
        title,
        body: `Made by a coding agent for the job ${jobId}.${about} It is merged when somebody ships the job.`,
      },
      env,
      githubTokens,
      signal,
    );
    if (opened) log.note(`pull request: ${opened.url}`);
    return opened;
  } catch (error) {
    signal.throwIfAborted();
    log.note(`no pull request: ${reasonOf(error)}`);
    return undefined;
  }
}

/**
 * The verified commit becomes the head of its base branch, only while the lease is held and only where that is a
 * fast-forward: what others pushed meanwhile was not verified with it, and is merged as when a person ships.
 */
async function pushDirectly(
  { claim, log, mayPush, signal }: RunContext,
  checkout: Checkout,
  { commit }: Change,
): Promise<RunReport> {
  const baseBranch = claim.job.manifest['base-branch'];
  await mayPush();
  const pushed = await push(checkout, { commit, branch: baseBranch }, signal);
  switch (pushed.kind) {
    case 'pushed':
      log.note(`${baseBranch} is at ${commit.slice(0, 12)}: profile and product push directly`);
      return { kind: 'landed', mergeCommit: commit, baseBranch };
    case 'moved':
      log.note(`${baseBranch} has moved since: a merge follows`);
      return { kind: 'released', message: `"${baseBranch}" moved while the change was made: it is merged` };
    case 'refused':
      return failed('refused', pushed.message, undefined, null);
    default:
      return assertExhaustive(pushed);
  }
}

/** The check, where nothing is but the commit that was pushed and what the repository's setup brings. */
async function verifyRun(
  context: RunContext,
  checkout: Checkout,
  { settings }: RunRules,
  {
    command,
    commit,
    files,
  }: { readonly command: string; readonly commit: string; readonly files: readonly string[] },
): Promise<Extract<RunReport, { kind: 'verified' }>> {
  const { log, run, signal } = context;
  const clean = await context.workspace.cleanCheckout(checkout, run, commit, signal);
  const env = context.environment(clean.scratch);
  await setUp(context, clean, settings, env, files);
  log.note(`verify: ${command}`);
  const since = Date.now();
  const result = await verifyChange(
    {
      command,
      cwd: clean.path,
      folders: [checkout.path, clean.path, clean.scratch],
      env,
      run,
      seconds: context.claim.job.manifest.timeout,
      onOutput: (chunk) => log.write(chunk),
    },
    signal,
  );
  const verify = { ...result, ...(await readReports(clean.path, since)) };
  log.note(`verify ${verify.passed ? 'passed' : 'failed'} after ${(verify.durationMs / 1000).toFixed(1)} s`);
  return { kind: 'verified', verify, ...(await artifactsIn(context, clean.path)) };
}

const artifactsIn = async (context: RunContext, worktree: string): Promise<{ artifacts?: Artifact[] }> => {
  const artifacts = await keepArtifacts(context, worktree);
  return artifacts.length > 0 ? { artifacts } : {};
};

/** What a reviewer should know of where the change went. */
const remarks = ({ outside, shared, gates }: ScopeReport): string[] => [
  ...(outside.length > 0 ? [`outside of its scope, so it cannot ship as it is: ${outside.join(', ')}`] : []),
  ...(shared.length > 0
    ? [
        `in shared packages, so the profile reviewer must read it and a second person approve: ${shared.join(', ')}`,
      ]
    : []),
  ...(gates.length > 0
    ? [`it changes what judges it, so it never ships by itself: ${gates.join(', ')}`]
    : []),
];

const nestedMessage = (folders: readonly string[]): string =>
  `nothing was pushed, because ${folders.join(', ')} ${folders.length === 1 ? 'is a git repository of its own' : 'are git repositories of their own'} in the worktree, and no commit would have the files. Requeue the job with the order to remove its .git folder, so that the files are a part of the change; to put the folder into .gitignore; or to make it a submodule that .gitmodules names`;

const summary = ({ filesChanged, insertions, deletions }: Change): string =>
  `${filesChanged.length} file${filesChanged.length === 1 ? '' : 's'} changed, +${insertions} -${deletions}`;

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
