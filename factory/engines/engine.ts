/** What runs a job: a coding-agent CLI, or the job's own script. One file an engine; the list is in registry.ts. */
import type { Usage } from '../../shared/contract/job.js';
import type { Engine as EngineName } from '../../shared/contract/manifest.js';

/** What was found on this machine. */
export interface EnginePresence {
  /** As the engine prints it; absent for what is part of the system. */
  readonly version?: string;
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
  /** Without the factory's own secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** The run ends after so many seconds. */
  readonly wallSeconds: number;
  /** Called with what the engine prints, in order; it waits while the promise is pending. */
  readonly onOutput: (chunk: Buffer) => Promise<void> | undefined;
  /** Called once, when its process is there. */
  readonly onStart: () => void;
}

export type EngineResult =
  | { readonly kind: 'completed'; readonly usage: Usage }
  | {
      readonly kind: 'failed';
      readonly exitCode: number | null;
      /** Why, for people: the last lines of its output. */
      readonly message: string;
      readonly usage: Usage;
    }
  | { readonly kind: 'timeout'; readonly message: string; readonly usage: Usage }
  /** It cannot run at all: not for this job, or not on this machine. */
  | { readonly kind: 'unfit'; readonly message: string }
  /** The signal ended it. */
  | { readonly kind: 'aborted' };

export interface Engine {
  readonly name: EngineName;
  /** Undefined when it is not on this machine. Answers within a second or so. */
  probe(): Promise<EnginePresence | undefined>;
  /**
   * Works until the engine and everything that it started has ended.
   * @param signal ends the whole process tree
   */
  run(request: EngineRequest, signal: AbortSignal): Promise<EngineResult>;
}
