/**
 * One claimed run from its first to its last report. However it ends – done, failed, fenced, stopped, drained, or by
 * a defect of ours – its processes have ended and its worktree is gone afterwards.
 */
import type { Claim, RunReport } from '../../shared/contract/api.js';
import type { Usage } from '../../shared/contract/job.js';
import type { JobView } from '../../shared/contract/view.js';
import { AppError, assertExhaustive } from '../../shared/errors.js';
import type { FactoryConfig } from '../capabilities/config.js';
import type { Coordinator } from '../coordinator.js';
import type { Engine } from '../engines/engine.js';
import { ChangeTooLargeError } from '../gates/secrets.js';
import { reasonOf, type Logger, type LogFacts } from '../log.js';
import { pause } from '../pause.js';
import { runEnvironment } from '../processes/environment.js';
import { NoSpaceError } from '../workspace/diskSpace.js';
import { PreflightError } from '../workspace/preflight.js';
import type { Workspace } from '../workspace/workspace.js';
import { buildRun } from './build.js';
import { Checkpoints } from './checkpoints.js';
import { StepTimeoutError } from './command.js';
import { repoOf, type RunContext } from './context.js';
import { landRun } from './land.js';
import { planRun } from './plan.js';
import { isRefusal, RunLease, type LeaseEnd } from './lease.js';
import { RunLog } from './log.js';
import type { GithubTokens } from '../githubToken.js';
import type { Redactor } from './redact.js';
import { Reporter } from './reporter.js';

/** How long the end of a run's log may hold up its result (ms): the result and the station matter more. */
const LOG_END_MS = 3000;
/** What a drain may spend on keeping a run's work (ms): loading the rules of the secret scan is a part of it. */
const CHECKPOINT_MS = 5000;
/** Removing checkpoints of a job that is done (ms). */
const CLEAR_MS = 5000;
/** What a drain may still spend on a run's log, and on its release (ms each). */
const LAST_WORDS_MS = 300;

export interface RunDeps {
  readonly coordinator: Coordinator;
  readonly workspace: Workspace;
  readonly engines: readonly Engine[];
  /** Versions found when the factory started, by engine. */
  readonly engineVersions: ReadonlyMap<string, string>;
  /** What the machine's owner says of its engines. */
  readonly config: FactoryConfig;
  /** The machine's environment. */
  readonly env: NodeJS.ProcessEnv;
  /** One for the machine: a token of an app serves the runs of an hour. */
  readonly githubTokens: GithubTokens;
  readonly redactor: Redactor;
  readonly logger: Logger;
  /** How many runs this factory has now. */
  readonly running: () => number;
  /** There is no room for a run here. */
  readonly onNoSpace: () => void;
  /** The control plane asked this factory to take no more work. */
  readonly onDrainAsked: () => void;
}

const WORK = { build: buildRun, land: landRun, plan: planRun } as const;

/** Why a run was stopped from outside. */
type Stop = LeaseEnd | { readonly kind: 'drain' };

/**
 * Carries out one claim. Never throws.
 * @param drain aborted when the factory goes away: the run is then released
 * @param claimedAt when its ticket came, by `performance.now()`
 */
export const executeRun = (
  claim: Claim,
  deps: RunDeps,
  drain: AbortSignal,
  claimedAt: number = performance.now(),
): Promise<void> => new RunExecution(claim, deps, claimedAt).execute(drain);

class RunExecution {
  private readonly claim: Claim;
  private readonly deps: RunDeps;
  private readonly claimedAt: number;
  private readonly run: string;
  private readonly stop = new AbortController();
  private readonly lease: RunLease;
  private readonly log: RunLog;
  private readonly report: Reporter;
  private readonly checkpoints: Checkpoints;
  private engineStarted = false;
  /** What it left in the repository; a station is free when that is gone, the worktree does not wait for it. */
  private clearing: Promise<void> | undefined;
  /** What the engine used, also when it was ended. */
  private usage: Usage | undefined;

  constructor(claim: Claim, deps: RunDeps, claimedAt: number) {
    const { jobId } = claim.job;
    const { epoch } = claim.run;
    this.claim = claim;
    this.deps = deps;
    this.claimedAt = claimedAt;
    this.run = `${jobId}.${epoch}`;
    this.lease = new RunLease({
      coordinator: deps.coordinator,
      jobId,
      epoch,
      seconds: claim.lease.seconds,
      running: deps.running,
      onEnd: (end) => this.stopFor(end),
      onDrain: deps.onDrainAsked,
    });
    this.log = new RunLog({ coordinator: deps.coordinator, jobId, epoch }, deps.redactor.stream());
    this.report = new Reporter(deps.coordinator, { jobId, epoch }, deps.redactor);
    this.checkpoints = new Checkpoints({
      claim,
      log: this.log,
      report: this.report,
      redactor: deps.redactor,
      mayPush: async () => {
        if (!(await this.lease.confirm())) throw new Error('the lease is gone');
      },
      everySeconds: deps.config.checkpointSeconds,
    });
  }

  async execute(drain: AbortSignal): Promise<void> {
    const onDrain = (): void => this.stopFor({ kind: 'drain' });
    if (drain.aborted) onDrain();
    else drain.addEventListener('abort', onDrain, { once: true });
    this.tell('info', `${this.claim.run.kind} run claimed`, { title: this.claim.job.title });
    try {
      await this.finish(await this.work());
    } catch (error) {
      await this.endEarly(error);
    } finally {
      drain.removeEventListener('abort', onDrain);
      await this.checkpoints.end();
      this.lease.stop();
      this.log.stop();
      await this.deps.workspace.remove(this.run).catch((error: unknown) => {
        this.tell('warn', 'the worktree could not be removed', { why: reasonOf(error) });
      });
      await this.clearing;
    }
  }

  /** The last report of the run; whatever went wrong on our side becomes a failure with its reason. */
  private async work(): Promise<RunReport> {
    try {
      const { kind } = this.claim.run;
      return await WORK[kind](this.context());
    } catch (error) {
      this.stop.signal.throwIfAborted();
      if (isRefusal(error)) throw error;
      if (error instanceof NoSpaceError) {
        this.deps.onNoSpace();
        this.tell('warn', 'no space for a run', { why: error.message });
        return { kind: 'released', message: error.message };
      }
      return {
        kind: 'failed',
        reason: this.reasonFor(error),
        message: reasonOf(error) || 'the factory failed without a reason',
        exitCode: null,
        ...(this.usage && { usage: this.usage }),
      };
    }
  }

  private reasonFor(error: unknown): 'timeout' | 'preflight' | 'refused' | 'engine_failed' {
    if (error instanceof ChangeTooLargeError) return 'refused';
    if (error instanceof StepTimeoutError) return 'timeout';
    return error instanceof PreflightError || !this.engineStarted ? 'preflight' : 'engine_failed';
  }

  private async finish(last: RunReport): Promise<void> {
    const reason = last.kind === 'failed' ? last.reason : undefined;
    if (last.kind === 'released') this.log.note(`given back: ${last.message}`);
    if (last.kind === 'failed') this.log.note(`${last.reason}: ${last.message.split('\n')[0]}`);
    // Before the report: with it the control plane takes the lease back, and refuses what is appended later.
    if (!(await this.logEnds())) {
      this.log.stop();
      this.tell('warn', "the run's log is incomplete: the control plane did not take the rest in time");
    }
    const job = await this.reportLast(last);
    if (last.kind !== 'released' && job?.checkpoint === undefined) this.clearing = this.clear(last);
    this.tell('info', `run ${last.kind}`, { reason, ms: this.sinceClaim() });
  }

  /** What is wrong with a plan only the control plane can tell; the run has then failed with that. */
  private async reportLast(last: RunReport): Promise<JobView | undefined> {
    try {
      return await this.report.send(last, this.stop.signal);
    } catch (error) {
      const bad = last.kind === 'planned' && error instanceof AppError && error.code === 'invalid-manifest';
      if (!bad) throw error;
      const problems = (error.detail.problems ?? []).map(({ path, message }) => `- ${path}: ${message}`);
      const message = [`the plan was refused: ${error.message}`, ...problems].join('\n');
      const failed = {
        kind: 'failed',
        reason: 'engine_failed',
        message,
        exitCode: 0,
        usage: last.usage,
      } as const;
      return this.report.send(failed, this.stop.signal);
    }
  }

  /** The job needs its checkpoints no more, as it has a change or begins anew, and no branch that was merged. */
  private async clear(last: RunReport): Promise<void> {
    const { change } = this.claim.job;
    const merged = last.kind === 'landed' && change !== undefined && !this.deps.config.keepMergedBranches;
    const branch = merged ? [{ ref: `refs/heads/${change.branch}`, commit: change.commit }] : [];
    const repo = repoOf(this.claim);
    const known = [...this.checkpoints.known, ...branch];
    if (repo === undefined || known.length === 0) return;
    try {
      await this.deps.workspace.deleteRefs(repo, known, AbortSignal.timeout(CLEAR_MS));
    } catch (error) {
      this.tell('warn', 'what it left in its repository could not be removed', { why: reasonOf(error) });
    }
  }

  /** False when the rest of the log does not get through in time. */
  private async logEnds(): Promise<boolean> {
    const over = new AbortController();
    const inTime = await Promise.race([
      this.log.end().then(() => true),
      pause(LOG_END_MS, over.signal).then(() => false),
    ]);
    over.abort();
    return inTime;
  }

  /** The run was stopped, or the control plane refused a report of it. Only a drain has last words. */
  private async endEarly(error: unknown): Promise<void> {
    if (!this.stop.signal.aborted) {
      return this.tell('warn', 'the control plane refused a report', { why: reasonOf(error) });
    }
    const why = this.stop.signal.reason as Stop;
    switch (why.kind) {
      case 'lost':
        return this.tell('warn', 'lease lost, run stopped', { why: why.message });
      case 'stop':
        return this.tell('info', 'run stopped on request');
      case 'drain':
        return this.release();
      default:
        return assertExhaustive(why);
    }
  }

  private async release(): Promise<void> {
    this.log.note('the factory is going away: the job goes back to the queue');
    await this.checkpoints.save(AbortSignal.timeout(CHECKPOINT_MS));
    await Promise.race([this.log.end(), pause(LAST_WORDS_MS)]);
    const limit = AbortSignal.timeout(LAST_WORDS_MS);
    const late = pause(LAST_WORDS_MS).then(() => {
      throw new Error('the control plane did not answer in time');
    });
    try {
      const message = 'the factory was asked to stop';
      const released = { kind: 'released', message, ...(this.usage && { usage: this.usage }) } as const;
      await Promise.race([this.report.send(released, limit), late]);
      this.tell('info', 'run released');
    } catch (error) {
      this.tell('warn', 'run not released: its lease will run out', { why: reasonOf(error) });
    } finally {
      late.catch(() => {});
    }
  }

  private context(): RunContext {
    const { workspace, engines, engineVersions, config, env } = this.deps;
    return {
      githubTokens: this.deps.githubTokens,
      claim: this.claim,
      run: this.run,
      coordinator: this.deps.coordinator,
      workspace,
      engines,
      engineVersions,
      config,
      env,
      environment: (scratch) => runEnvironment(env, this.run, scratch, config.pass),
      log: this.log,
      report: this.report,
      redactor: this.deps.redactor,
      checkpoints: this.checkpoints,
      signal: this.stop.signal,
      mayPush: async () => {
        await this.lease.confirm();
        this.stop.signal.throwIfAborted();
      },
      onEngineStart: () => {
        this.engineStarted = true;
        this.tell('info', 'engine started', { ms: this.sinceClaim() });
      },
      onUsage: (usage) => {
        this.usage = usage;
      },
    };
  }

  private stopFor(why: Stop): void {
    this.stop.abort(why);
    // Nobody reads on, and an engine that waits for the log must not wait any longer.
    if (why.kind !== 'drain') this.log.stop();
  }

  private sinceClaim(): number {
    return Math.round(performance.now() - this.claimedAt);
  }

  private tell(level: keyof Logger, message: string, facts: LogFacts = {}): void {
    this.deps.logger[level](message, { job: this.claim.job.jobId, epoch: this.claim.run.epoch, ...facts });
  }
}
