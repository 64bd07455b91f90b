// One run of a factory: the genuine lease and reports around a model of the work, a time and a result.
import { RunLease, isRefusal, type LeaseEnd } from '../../factory/runs/lease.js';
import { Reporter } from '../../factory/runs/reporter.js';
import type { Coordinator } from '../../factory/coordinator.js';
import type { Pace } from '../../factory/pace.js';
import type { Claim, RunReport } from '../../shared/contract/api.js';
import { PlanSchema } from '../../shared/contract/children.js';
import { AppError } from '../../shared/errors.js';
import type { Random } from './random.js';
import type { SimTime } from './time.js';
import type { Watch } from './watch.js';
import { planOf } from './work.js';

export interface RunWorld {
  readonly time: SimTime;
  readonly random: Random;
  readonly watch: Watch;
  /** How long a build takes on average (ms). */
  readonly buildMs: number;
  readonly coordinator: Pick<Coordinator, 'renewLease' | 'reportRun'>;
  readonly pace: Pace;
  readonly draining: AbortSignal;
  readonly running: () => number;
  readonly drain: () => void;
}

/** One run, in the order of factory/runs/execute.ts, build.ts and land.ts. */
export class SimRun {
  readonly #claim: Claim;
  readonly #world: RunWorld;
  readonly #stop = new AbortController();
  readonly #lease: RunLease;
  readonly #report: Reporter;

  constructor(claim: Claim, world: RunWorld) {
    this.#claim = claim;
    this.#world = world;
    const of = { jobId: claim.job.jobId, epoch: claim.run.epoch };
    this.#lease = new RunLease({
      coordinator: world.coordinator,
      ...of,
      seconds: claim.lease.seconds,
      running: world.running,
      onEnd: (end: LeaseEnd) => this.#stop.abort(end),
      onDrain: world.drain,
      pace: world.pace,
    });
    this.#report = new Reporter(world.coordinator, of, { text: (text) => text }, world.pace);
  }

  async execute(): Promise<void> {
    const { draining } = this.#world;
    const onDrain = (): void => this.#stop.abort({ kind: 'drain' });
    if (draining.aborted) onDrain();
    else draining.addEventListener('abort', onDrain, { once: true });
    try {
      await this.#work();
    } catch (error) {
      if (!this.#stop.signal.aborted && !isRefusal(error) && !(error instanceof AppError)) throw error;
      if ((this.#stop.signal.reason as { kind?: string } | undefined)?.kind === 'drain')
        await this.#release();
    } finally {
      draining.removeEventListener('abort', onDrain);
      this.#lease.stop();
    }
  }

  /** What the control plane does not take of a plan, the run fails with. */
  async #work(): Promise<void> {
    const { kind } = this.#claim.run;
    const last = await (kind === 'build' ? this.#build() : kind === 'plan' ? this.#plan() : this.#land());
    try {
      await this.#report.send(last, this.#stop.signal);
    } catch (error) {
      if (kind !== 'plan' || !(error instanceof AppError) || isRefusal(error)) throw error;
      await this.#report.send(failed('engine_failed'), this.#stop.signal);
    }
  }

  async #release(): Promise<void> {
    const released = { kind: 'released', message: 'the factory was asked to stop' } as const;
    const limit = new AbortController();
    this.#world.time.after(300, () => limit.abort());
    await this.#report.send(released, limit.signal).catch(() => {});
  }

  async #takes(ms: number): Promise<void> {
    await this.#world.pace.pause(ms, this.#stop.signal);
    this.#stop.signal.throwIfAborted();
  }

  async #mayPush(): Promise<void> {
    await this.#lease.confirm();
    this.#stop.signal.throwIfAborted();
    const { run, job } = this.#claim;
    this.#world.watch.effect(job.jobId, run.epoch, run.factoryId);
  }

  async #build(): Promise<RunReport> {
    const { random, buildMs } = this.#world;
    const { job, run } = this.#claim;
    const { manifest } = job;
    await this.#takes(random.between(500, 20_000));
    if (random.chance(0.03)) return failed('preflight');
    await this.#report.send({ kind: 'started' }, this.#stop.signal);
    const wallMs = buildMs * random.between(0.1, 2);
    await this.#takes(wallMs);
    const usd =
      run.engine === 'shell'
        ? 0
        : Math.round((manifest.budget.usd ?? 5) * random.between(0.2, 1.5) * 100) / 100;
    const usage = { wallSeconds: wallMs / 1000, tokens: 1000, usd, accuracy: 'exact' as const };
    if (random.chance(0.12)) return failed(random.pick(['engine_failed', 'timeout', 'no_change']), usage);
    await this.#mayPush();
    await this.#takes(random.between(200, 3000));
    const change = {
      branch: `aq/${job.jobId}`,
      commit: `c${run.epoch}`,
      baseCommit: 'base',
      filesChanged: ['src/a.ts'],
      insertions: 3,
      deletions: 1,
    };
    const finished: RunReport = { kind: 'finished', change, usage };
    if (manifest.verify === undefined) return finished;
    await this.#report.send(finished, this.#stop.signal);
    await this.#takes(random.between(1000, 60_000));
    const passed = random.chance(0.85);
    return {
      kind: 'verified',
      verify: { command: manifest.verify, passed, exitCode: passed ? 0 : 1, durationMs: 1000, tail: '' },
    };
  }

  async #plan(): Promise<RunReport> {
    const { random } = this.#world;
    await this.#takes(random.between(500, 20_000));
    await this.#report.send({ kind: 'started' }, this.#stop.signal);
    await this.#takes(random.between(10_000, 120_000));
    const usage = { wallSeconds: 60, tokens: 1000, usd: 0.2, accuracy: 'exact' as const };
    if (random.chance(0.1)) return failed('engine_failed', usage);
    return { kind: 'planned', plan: PlanSchema.parse(planOf(random)), usage };
  }

  async #land(): Promise<RunReport> {
    const { random } = this.#world;
    const { job, run } = this.#claim;
    await this.#takes(random.between(500, 10_000));
    await this.#report.send({ kind: 'started' }, this.#stop.signal);
    if (random.chance(0.08)) return failed('merge_conflict');
    await this.#mayPush();
    await this.#takes(random.between(200, 3000));
    return { kind: 'landed', mergeCommit: `m${run.epoch}`, baseBranch: job.manifest['base-branch'] };
  }
}

const failed = (
  reason: Extract<RunReport, { kind: 'failed' }>['reason'],
  usage?: Extract<RunReport, { kind: 'finished' }>['usage'],
): RunReport => ({ kind: 'failed', reason, message: reason, exitCode: 1, ...(usage ? { usage } : {}) });
