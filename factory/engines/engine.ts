/** What runs a job: a coding-agent CLI, a service, or the job's own script. One file an engine; the list is in registry.ts. */
import type { Usage } from '../../shared/contract/job.js';
import type { Engine as EngineName } from '../../shared/contract/manifest.js';
import type { EngineSettings } from './settings.js';

/** What was found on this machine. */
export interface EnginePresence {
  /** As the engine prints it; absent for what is part of the system. */
  readonly version?: string;
  /** Where it is, or which service it asks. */
  readonly at: string;
  /** Is there a credential? Known by its presence only: nobody reads or tries it. */
  readonly loggedIn: boolean;
  /** Which credential is there, or which ones were looked for. */
  readonly credential: string;
}

export interface EngineLimits {
  /** The run ends after so many seconds. */
  readonly wallSeconds: number;
  /** What this run may cost; absent for no ceiling. */
  readonly usd?: number;
  /** Tokens of this run, cached ones included; absent for no ceiling. */
  readonly tokens?: number;
}

export interface EngineRequest {
  /** The job's body, as the person or the tracker wrote it: what a script engine runs. */
  readonly body: string;
  /** What a coding agent is told: persona, job, rules (factory/prompt.ts). */
  readonly prompt: string;
  /** `<jobId>.<epoch>` */
  readonly run: string;
  /** Where it works: a git worktree at the base. */
  readonly worktree: string;
  /** Temporary files that go away with the run. */
  readonly scratch: string;
  /** The repository as the job names it, for an engine that works elsewhere. */
  readonly repo: string;
  /** The commit that the worktree began at. */
  readonly baseCommit: string;
  /** What every run sees, and what is this engine's own. */
  readonly env: Readonly<Record<string, string>>;
  readonly limits: EngineLimits;
  /** What the machine's owner says of this engine. */
  readonly settings: EngineSettings;
  /** The job wants no permission asked and no sandbox. */
  readonly yolo: boolean;
  /** Called with what people read in the log, in order; the engine waits while the promise is pending. */
  readonly onOutput: (chunk: Buffer) => Promise<void> | undefined;
  /** Called once, when its process is there. */
  readonly onStart: () => void;
}

/** Why the factory itself ended an engine. */
export type Ceiling =
  /** The time of the run is over. */
  | 'wall'
  /** It gave no sign of life for too long. */
  | 'stall'
  /** The job's budget is used up. */
  | 'usd'
  | 'tokens'
  /** It did the same thing over and over. */
  | 'loop';

export type EngineResult =
  | { readonly kind: 'completed'; readonly usage: Usage }
  | {
      readonly kind: 'failed';
      readonly exitCode: number | null;
      /** Why, for people: what the engine said, or the last lines of its output. */
      readonly message: string;
      readonly usage: Usage;
      /** The model will not do it: asking again changes nothing. */
      readonly refused?: boolean;
    }
  | { readonly kind: 'ended'; readonly ceiling: Ceiling; readonly message: string; readonly usage: Usage }
  /** It cannot run at all: not for this job, or not on this machine. */
  | { readonly kind: 'unfit'; readonly message: string; readonly usage?: Usage }
  /** The signal ended it. */
  | { readonly kind: 'aborted'; readonly usage: Usage };

export interface Engine {
  readonly name: EngineName;
  /**
   * Can it go on with what an interrupted run left in the worktree? Absent for one that works elsewhere.
   * @param body the job's
   */
  goesOn?(body: string): boolean;
  /** Variables of the machine that are for this engine: its credentials, addresses and switches. No other run sees them. */
  readonly variables: readonly RegExp[];
  /** Undefined when it is not on this machine. Answers within a few seconds. */
  probe(env: NodeJS.ProcessEnv, settings: EngineSettings): Promise<EnginePresence | undefined>;
  /**
   * Works until the engine and everything that it started has ended. Never throws because of what the engine does.
   * @param signal ends the whole process tree
   */
  run(request: EngineRequest, signal: AbortSignal): Promise<EngineResult>;
}
