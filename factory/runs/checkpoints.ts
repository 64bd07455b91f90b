/**
 * What a run has done so far, kept while its engine works and when it is interrupted, so that the next run goes on from
 * there: on whatever factory. Each is pushed under the lease and reported with the epoch, so a run that has lost its
 * job changes nothing of it.
 */
import type { Claim } from '../../shared/contract/api.js';
import { checkpointRef, type Checkpoint } from '../../shared/contract/job.js';
import { reasonOf } from '../log.js';
import { Mutex } from '../mutex.js';
import { pause } from '../pause.js';
import { saveCheckpoint, type Saved } from '../workspace/checkpoint.js';
import type { Checkout } from '../workspace/workspace.js';
import type { RunLog } from './log.js';
import type { Redactor } from './redact.js';
import type { Reporter } from './reporter.js';

export interface CheckpointsSpec {
  readonly claim: Claim;
  readonly log: Pick<RunLog, 'note'>;
  readonly report: Pick<Reporter, 'send'>;
  readonly redactor: Pick<Redactor, 'know'>;
  /** Throws when the lease is gone. */
  readonly mayPush: () => Promise<void>;
  /** Between two that are kept while the engine works. */
  readonly everySeconds: number;
}

export class Checkpoints {
  private readonly spec: CheckpointsSpec;
  private readonly saving = new Mutex();
  private readonly pushed = new Map<string, Checkpoint>();
  private last: Checkpoint | undefined;
  private checkout: Checkout | undefined;
  private over = new AbortController();

  constructor(spec: CheckpointsSpec) {
    this.spec = spec;
    this.last = spec.claim.job.checkpoint;
    if (this.last) this.pushed.set(this.last.ref, this.last);
  }

  /** Checkpoints of the job that this run knows of. */
  get known(): readonly Checkpoint[] {
    return [...this.pushed.values()];
  }

  /** Keeps the work in this checkout from now on, every so often. */
  begin(checkout: Checkout): void {
    this.checkout = checkout;
    this.over = new AbortController();
    void this.keep(this.over.signal);
  }

  /** The engine has done its work: there is nothing unfinished any more. */
  async end(): Promise<void> {
    this.over.abort();
    this.checkout = undefined;
    await this.saving.idle();
  }

  /**
   * Keeps what is there now. Never throws: a run without a checkpoint begins anew.
   * @param signal gives up
   */
  save(signal: AbortSignal): Promise<void> {
    return this.saving.run(async () => {
      const { checkout } = this;
      if (checkout === undefined) return;
      try {
        await this.saveNow(checkout, signal);
      } catch (error) {
        this.spec.log.note(`no checkpoint: ${reasonOf(error)}`);
      }
    });
  }

  private async keep(over: AbortSignal): Promise<void> {
    for (;;) {
      await pause(this.spec.everySeconds * 1000, over);
      if (over.aborted) return;
      await this.save(over);
    }
  }

  private async saveNow(checkout: Checkout, signal: AbortSignal): Promise<void> {
    const { claim, log, mayPush, redactor, report } = this.spec;
    const ref = checkpointRef(claim.job.jobId, claim.run.epoch);
    const began = checkout.resumed ? this.last?.commit : undefined;
    const known = this.last?.ref === ref ? this.last.commit : began;
    const saved = await saveCheckpoint(checkout, { ref, known, mayPush, signal });
    switch (saved.kind) {
      case 'nothing new':
        return;
      case 'refused':
        redactor.know(...saved.secrets.map(({ value }) => value));
        log.note(`no checkpoint: ${saved.why}`);
        return;
      case 'saved':
        this.pushed.set(ref, saved.checkpoint);
        await report.send({ kind: 'checkpointed', checkpoint: saved.checkpoint }, signal);
        this.last = saved.checkpoint;
        log.note(`checkpoint: ${saved.checkpoint.commit.slice(0, 12)}${omissions(saved)}`);
    }
  }
}

const omissions = ({ notKept, problem }: Extract<Saved, { kind: 'saved' }>): string =>
  [
    ...(notKept.length > 0
      ? [`, without ${notKept.join(', ')}: a repository of its own in the worktree is not kept`]
      : []),
    ...(problem === undefined ? [] : [`, not all: ${problem}`]),
  ].join('');
