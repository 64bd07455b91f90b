/** What the parts of one run share. */
import type { Claim } from '../../shared/contract/api.js';
import type { Usage } from '../../shared/contract/job.js';
import type { FactoryConfig } from '../capabilities/config.js';
import type { Coordinator } from '../coordinator.js';
import type { GithubTokens } from '../githubToken.js';
import type { Engine } from '../engines/engine.js';
import type { Workspace } from '../workspace/workspace.js';
import type { Checkpoints } from './checkpoints.js';
import type { RunLog } from './log.js';
import type { Redactor } from './redact.js';
import type { Reporter } from './reporter.js';

export interface RunContext {
  readonly claim: Claim;
  /** `<jobId>.<epoch>`: names the run on this machine. */
  readonly run: string;
  readonly coordinator: Pick<Coordinator, 'putArtifact' | 'getProfileForRun'>;
  readonly workspace: Workspace;
  readonly engines: readonly Engine[];
  /** Versions found when the factory started. */
  readonly engineVersions: ReadonlyMap<string, string>;
  /** What the machine's owner says of its engines. */
  readonly config: FactoryConfig;
  /** The machine's environment. */
  readonly env: NodeJS.ProcessEnv;
  /** What commands of this run see of it. @param scratch the checkout's folder for temporary files */
  readonly environment: (scratch: string) => Record<string, string>;
  /** Of this machine, for pull requests. */
  readonly githubTokens: GithubTokens;
  readonly log: RunLog;
  readonly report: Reporter;
  readonly redactor: Redactor;
  readonly checkpoints: Checkpoints;
  /** Aborted when the run must stop: the lease is gone, a person stopped it, or the factory drains. */
  readonly signal: AbortSignal;
  /** Throws when the lease is gone: called right before an effect on the outside. */
  readonly mayPush: () => Promise<void>;
  /** Called when the engine's process is there. */
  readonly onEngineStart: () => void;
  /** Called when the engine has ended, however it did; undefined when it never began. */
  readonly onUsage: (usage: Usage | undefined) => void;
}

/** The commit message: what, then whose. */
export const commitMessage = (title: string, { job, run }: Claim): string[] => [
  title.replaceAll(/\s+/g, ' ').trim() || job.jobId,
  `Job: ${job.jobId}\nEpoch: ${run.epoch}`,
];

/** The repository that a job works on; old files name a checkout on the factory's disk. */
export const repoOf = ({ job }: Claim): string | undefined => job.manifest.repo ?? job.manifest.cwd;
