/** From a fresh checkout to one that an engine can work in: the repository's settings, its setup, its limits. */
import type { RepoSettings } from '../../shared/contract/repoSettings.js';
import { allowedScopeOf, verifyOf } from '../../shared/rules/profile.js';
import { emptyScope, type Scope } from '../../shared/rules/scope.js';
import { readRepoSettings } from '../repoSettings.js';
import { PreflightError } from '../workspace/preflight.js';
import type { Checkout } from '../workspace/workspace.js';
import { runCommand, StepTimeoutError } from './command.js';
import type { RunContext } from './context.js';

/** What holds for this run: the job's word, narrowed by the repository's. */
export interface RunRules {
  readonly settings: RepoSettings;
  /** The check of the change; undefined where neither the job nor the repository names one. */
  readonly verify: string | undefined;
  readonly scope: Scope;
}

/**
 * Reads what holds.
 * @throws PreflightError when the settings are not valid, or leave nothing to change
 */
export async function readRules({ claim }: RunContext, { git, baseCommit }: Checkout): Promise<RunRules> {
  const settings = await readRepoSettings(git, baseCommit);
  const verify = verifyOf(claim.job) ?? settings.verify;
  const allowed = allowedScopeOf(claim.job);
  const limits = [
    ...(allowed === undefined ? [] : [allowed]),
    // An empty list in the file is the default: the repository sets no limit of its own.
    ...(settings.scope.length > 0 ? [settings.scope] : []),
  ];
  const nothing = emptyScope(limits);
  if (nothing !== undefined) throw new PreflightError(`the job may not change anything: ${nothing}`);
  return { settings, verify, scope: { limits, shared: settings.shared, gates: settings.gates, verify } };
}

type Env = Readonly<Record<string, string>>;

/**
 * Makes a checkout ready: from the cache when its lock files are known, otherwise by the setup commands.
 * @throws PreflightError when a setup command fails
 */
export async function setUp(
  context: RunContext,
  checkout: Checkout,
  settings: RepoSettings,
  env: Env,
): Promise<void> {
  if (settings.setup.length === 0) return;
  const { setupCache } = context.workspace;
  if (await setupCache.restore(checkout.repo, checkout.path, settings)) {
    context.log.note('setup: taken from the cache, the lock files are known');
    return;
  }
  await runAll(context, checkout, 'setup', settings.setup, env);
  await setupCache.save(checkout.repo, checkout.path, settings);
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
