/** One factory's parts on a real repository, a real folder and a control plane over HTTP. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import type { Claim } from '../../../shared/contract/api.js';
import type { Coordinator } from '../../../factory/coordinator.js';
import { NO_CONFIG } from '../../../factory/capabilities/config.js';
import { ENGINES } from '../../../factory/engines/registry.js';
import { GithubTokens } from '../../../factory/githubToken.js';
import { cleanEnvironment } from '../../../factory/processes/environment.js';
import { createLogger } from '../../../factory/log.js';
import { executeRun, type RunDeps } from '../../../factory/runs/execute.js';
import { Redactor } from '../../../factory/runs/redact.js';
import { Workspace, type WorkspaceOptions } from '../../../factory/workspace/workspace.js';
import { ControlPlane, type SeenRun } from './controlPlane.js';
import { createRepository, TemporaryFolder, type Repository } from './repository.js';

export const silent = { info() {}, warn() {}, error() {} };

export interface FactoryFixture extends AsyncDisposable {
  readonly folder: string;
  readonly dataDir: string;
  readonly repository: Repository;
  readonly plane: ControlPlane;
  readonly workspace: Workspace;
  readonly redactor: Redactor;
  /** What the factory's own log says. */
  readonly said: readonly string[];
  /** Aborting it drains. */
  readonly drain: AbortController;
  /** What a run gets that takes its work from elsewhere than `plane`. */
  depsOn(coordinator: Coordinator): RunDeps;
  /** Carries out a claim and answers with what the control plane saw of it. */
  execute(claim: Claim): Promise<SeenRun>;
  /** What runs have left in the data folder. */
  leftovers(): string[];
}

/** @param more other engines, settings or environment than this machine's */
export async function factoryFixture(
  files?: Readonly<Record<string, string>>,
  {
    space = {},
    ...more
  }: Partial<Pick<RunDeps, 'engines' | 'config' | 'env'>> & { space?: WorkspaceOptions } = {},
): Promise<FactoryFixture> {
  const temporary = new TemporaryFolder();
  const plane = await ControlPlane.start();
  const dataDir = path.join(temporary.path, 'factory');
  const workspace = new Workspace(
    dataDir,
    cleanEnvironment({ ...process.env, GIT_CONFIG_GLOBAL: '/dev/null' }),
    space,
  );
  const redactor = new Redactor();
  const said: string[] = [];
  const drain = new AbortController();
  const deps: RunDeps = {
    coordinator: plane.client,
    workspace,
    engines: ENGINES,
    engineVersions: new Map(),
    config: NO_CONFIG,
    env: process.env,
    githubTokens: new GithubTokens(more.env ?? process.env, (token) => redactor.know(token)),
    redactor,
    logger: createLogger((line) => said.push(line)),
    running: () => 1,
    onNoSpace: () => said.push('no space'),
    onDrainAsked: () => drain.abort(),
    ...more,
  };
  return {
    folder: temporary.path,
    dataDir,
    repository: createRepository(temporary.path, files),
    plane,
    workspace,
    redactor,
    said,
    drain,
    depsOn: (coordinator) => ({ ...deps, coordinator }),
    async execute(claim) {
      plane.epochs.set(claim.job.jobId, claim.run.epoch);
      await executeRun(claim, deps, drain.signal);
      return plane.run(claim);
    },
    leftovers: () =>
      ['worktrees', 'tmp'].flatMap((name) => {
        try {
          return readdirSync(path.join(dataDir, name));
        } catch {
          return [];
        }
      }),
    async [Symbol.asyncDispose]() {
      await plane[Symbol.asyncDispose]();
      await workspace.settled();
      temporary[Symbol.dispose]();
    },
  };
}
