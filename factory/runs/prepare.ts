/** From a fresh checkout to one that an engine can work in: the repository's settings, its setup, its limits. */
import type { ProfileSnapshot } from '../../shared/contract/profile.js';
import { REPO_SETTINGS_FILE, type RepoSettings } from '../../shared/contract/repoSettings.js';
import { AppError } from '../../shared/errors.js';
import { allowedScopeOf, verifyOf } from '../../shared/rules/profile.js';
import { emptyScope, wordsOf, type Scope } from '../../shared/rules/scope.js';
import { readRepoSettings } from '../repoSettings.js';
import { PreflightError } from '../workspace/preflight.js';
import type { Checkout } from '../workspace/workspace.js';
import { runCommand, StepTimeoutError } from './command.js';
import type { RunContext } from './context.js';

/** What holds for this run: the job's word, narrowed by the repository's. */
export interface RunRules {
  readonly settings: RepoSettings;
  /** The job's, else the one that the settings name. */
  readonly profile: ProfileSnapshot | undefined;
  /** The check of the change; undefined where neither job, profile nor repository names one. */
  readonly verify: string | undefined;
  readonly scope: Scope;
}

/**
 * Reads what holds.
 * @throws PreflightError when the settings are not valid, or leave nothing to change
 */
export async function readRules(context: RunContext, { git, baseCommit }: Checkout): Promise<RunRules> {
  const settings = await readRepoSettings(git, baseCommit);
  const { manifest, profile = await profileBySettings(context, settings) } = context.claim.job;
  const verify = verifyOf({ manifest, profile }) ?? settings.verify;
  const allowed = allowedScopeOf({ profile });
  const limits = [
    ...(allowed === undefined ? [] : [allowed]),
    // An empty list in the file is the default: the repository sets no limit of its own.
    ...(settings.scope.length > 0 ? [settings.scope] : []),
  ];
  const nothing = emptyScope(limits);
  if (nothing !== undefined) throw new PreflightError(`the job may not change anything: ${nothing}`);
  return {
    settings,
    profile,
    verify,
    scope: { limits, shared: settings.shared, gates: settings.gates, verify },
  };
}

/**
 * The profile that the repository's settings name; undefined where they name none, or the job does.
 * @throws PreflightError when there is no such profile: without it a job would run without its limits
 */
async function profileBySettings(
  { claim, coordinator, log }: RunContext,
  { profile: name }: RepoSettings,
): Promise<ProfileSnapshot | undefined> {
  const { productId, manifest } = claim.job;
  if (name === undefined || manifest.profile !== undefined) return undefined;
  try {
    const profile = await coordinator.getProfileForRun({ params: { productId, name } });
    log.note(`the job names no profile: ${name}, version ${profile.version}, by ${REPO_SETTINGS_FILE}`);
    return profile;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'not-found') throw error;
    throw new PreflightError(
      `${REPO_SETTINGS_FILE} names the profile ${name} for jobs without one: ${error.message}`,
    );
  }
}

type Env = Readonly<Record<string, string>>;

/**
 * Makes a checkout ready: from the cache when its lock files are known, otherwise by the setup commands.
 * @param changed what the checkout has beyond its base: undefined when that is not known. With nothing changed the
 *   setup is kept for later runs; where a lock file or what a setup command names was changed, the cache has no say
 * @throws PreflightError when a setup command fails
 */
export async function setUp(
  context: RunContext,
  checkout: Checkout,
  settings: RepoSettings,
  env: Env,
  changed: readonly string[] | undefined,
): Promise<void> {
  if (settings.setup.length === 0) return;
  const { setupCache } = context.workspace;
  const baseBranch = context.claim.job.manifest['base-branch'];
  const spec = { repo: checkout.repo, baseBranch, settings };
  const isOwn = changed?.some(inputsOf(settings)) ?? true;
  if (!isOwn && (await setupCache.restore(checkout.path, spec))) {
    context.log.note('setup: taken from the cache, the lock files are known');
    return;
  }
  await runAll(context, checkout, 'setup', settings.setup, env);
  if (changed?.length === 0) await setupCache.save(checkout.path, spec);
}

/** Which files a setup is known to depend on: its lock files, and what its commands name. */
function inputsOf({ setup, cache }: RepoSettings): (file: string) => boolean {
  const names = new Set([...(cache?.locks ?? []), ...setup.flatMap(wordsOf)]);
  return (file) => names.has(file);
}

/**
 * Runs a list of commands in the checkout, up to the first that fails.
 * @throws PreflightError with the command and the end of its output; StepTimeoutError
 */
export async function runAll(
  context: RunContext,
  checkout: Checkout,
  what: string,
  commands: readonly string[],
  env: Env,
): Promise<void> {
  for (const command of commands) {
    context.log.note(`${what}: ${command}`);
    const end = await runCommand(
      {
        command,
        cwd: checkout.path,
        folders: [checkout.path, checkout.scratch],
        env,
        run: context.run,
        seconds: context.claim.job.manifest.timeout,
        onOutput: (chunk) => context.log.write(chunk),
      },
      context.signal,
    );
    if (end.passed) continue;
    if (end.cause === 'timeout') {
      throw new StepTimeoutError(
        `the repository's ${what} command \`${command}\` did not end in time\n${end.tail}`.trim(),
      );
    }
    const how = end.signal ? `was killed by ${end.signal}` : `ended with exit code ${end.exitCode}`;
    throw new PreflightError(`the repository's ${what} command \`${command}\` ${how}\n${end.tail}`.trim());
  }
}
