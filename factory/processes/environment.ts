/** What child processes may know: git the machine's environment without the factory's own, a run what is on a list. */
import { homedir } from 'node:os';
import path from 'node:path';
import { RUN_VARIABLE } from './group.js';
import { visible } from './visible.js';

/** Settings and secrets of the product and of the identity that the factory runs under. */
const OURS = [
  /^GIGAFACTORY_/i,
  /^SERVICE_BUS(__|$)/i,
  /^COSMOS(__|$)/i,
  /^BLOBS(__|$)/i,
  /^AzureWebJobs/i,
  /^FACTORY_TOKEN_KEY$/i,
  /^AUDIT_KEY$/i,
  /^OPERATOR_/i,
  // With these a child could ask for tokens of the factory's managed identity.
  /^IDENTITY_(ENDPOINT|HEADER)$/i,
  /^MSI_(ENDPOINT|SECRET)$/i,
  /^AZURE_(CLIENT_SECRET|CLIENT_CERTIFICATE_.*|FEDERATED_TOKEN_FILE|PASSWORD)$/i,
  /^NODE_CHANNEL_/,
  // Who signs as the app is the app, on every repository that it is installed on.
  /^GITHUB_APP_/i,
  // A factory that was started from a git hook would point every git of the run at that repository.
  /^GIT_(DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|COMMON_DIR|PREFIX|NAMESPACE|CONFIG.*|AUTHOR_.*|COMMITTER_.*)$/,
];

/** The author of commits that the factory (or an engine inside of a run) makes. `.invalid` never receives mail. */
const AUTHOR = { name: 'Gigafactory', email: 'factory@gigafactory.invalid' } as const;

const AUTHOR_VARIABLES = {
  GIT_AUTHOR_NAME: AUTHOR.name,
  GIT_AUTHOR_EMAIL: AUTHOR.email,
  GIT_COMMITTER_NAME: AUTHOR.name,
  GIT_COMMITTER_EMAIL: AUTHOR.email,
  // No terminal (children lead a session of their own), no window: a question would hang until the time limit.
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: '',
  SSH_ASKPASS: '',
  SSH_ASKPASS_REQUIRE: 'never',
  GCM_INTERACTIVE: 'never',
} as const;

/** The commit whose changes an interrupted run left in the worktree; empty in a fresh one. */
export const CHECKPOINT_VARIABLE = 'GIGAFACTORY_CHECKPOINT';

/** The environment without the factory's own settings; git asks nothing and signs as the factory. */
export const cleanEnvironment = (from: NodeJS.ProcessEnv): Record<string, string> => ({
  ...withProxies(withoutOurs(from)),
  ...AUTHOR_VARIABLES,
});

/** git and curl look at `http_proxy` in small letters alone, and at the others in both. */
function withProxies(env: Record<string, string>): Record<string, string> {
  const { HTTP_PROXY: proxy } = env;
  return proxy === undefined || 'http_proxy' in env ? env : { ...env, http_proxy: proxy };
}

function withoutOurs(from: NodeJS.ProcessEnv): Record<string, string> {
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(from)) {
    if (value !== undefined && !OURS.some((pattern) => pattern.test(name))) clean[name] = value;
  }
  return clean;
}

/**
 * The environment of the commands of a run (setup, hooks, verify), and of its engine without what is that engine's own.
 * @param run `<jobId>.<epoch>`
 * @param scratch a folder for temporary files that goes away with the run
 * @param names variables that the machine's owner lets through; the product's own never are
 */
export function runEnvironment(
  from: NodeJS.ProcessEnv,
  run: string,
  scratch: string,
  names: readonly string[] = [],
): Record<string, string> {
  return {
    ...cleanEnvironment(visible(from, names)),
    [RUN_VARIABLE]: run,
    TMPDIR: scratch,
    GIT_CONFIG_GLOBAL: globalConfig(scratch),
    ...(process.platform === 'win32' ? { TEMP: scratch, TMP: scratch } : {}),
  };
}

/** Those of the machine's variables that are an engine's, beside what every run sees. */
export const engineVariables = (
  from: NodeJS.ProcessEnv,
  own: readonly RegExp[],
  names: readonly string[],
): Record<string, string> => withoutOurs(visible(from, names, own));

/**
 * What `git config --global` writes to inside of a run: a file that goes away with it. With the user's own, one job
 * could send the pushes of all later ones elsewhere.
 */
export const globalConfig = (scratch: string): string => path.join(scratch, 'gitconfig');

/** The home folder that a program with this environment would take for its own; Windows has no HOME. */
export const homeOf = (env: NodeJS.ProcessEnv): string => env['HOME'] || homedir();

/** The first text of that file: the user's settings hold in a run too (credential helpers, addresses). */
export function includeUserConfig(env: Readonly<Record<string, string>>): string {
  const home = homeOf(env);
  const files = [
    path.join(env['XDG_CONFIG_HOME'] ?? path.join(home, '.config'), 'git', 'config'),
    path.join(home, '.gitconfig'),
  ];
  return files.map((file) => `[include]\n\tpath = ${JSON.stringify(file)}\n`).join('');
}
