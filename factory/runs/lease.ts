/**
 * Keeps the lease of one run alive and says when it is over. Nothing of a run may be pushed or reported once its
 * lease is gone: another factory may have the job by then.
 */
import { AppError } from '../../shared/errors.js';
import { renewalInterval } from '../../shared/rules/leases.js';
import type { Coordinator } from '../coordinator.js';
import { reasonOf } from '../log.js';
import { machinePace, type Pace } from '../pace.js';

/** After a renewal that did not get through (ms); a third of a second on average, so that a herd spreads out. */
const RETRY_MS = 300;

/** Why a run is over for this factory. */
export type LeaseEnd =
  /** Another epoch holds the job, or nobody could be asked for a whole lease. */
  | { readonly kind: 'lost'; readonly message: string }
  /** The control plane wants it stopped. */
  | { readonly kind: 'stop' };

export interface LeaseSpec {
  readonly coordinator: Pick<Coordinator, 'renewLease'>;
  readonly jobId: string;
  readonly epoch: number;
  /** Length of the lease. */
  readonly seconds: number;
  /** How many runs this factory has, told with every renewal. */
  readonly running: () => number;
  /** Called once at most. */
  readonly onEnd: (end: LeaseEnd) => void;
  /** The control plane wants this factory to take no more work. */
  readonly onDrain: () => void;
  readonly pace?: Pace;
}

export class RunLease {
  private readonly spec: LeaseSpec;
  private readonly pace: Pace;
  private readonly stopped = new AbortController();
  /** By our own clock (ms): from the sending of the last renewal that was granted, to be on the safe side. */
  private heldUntil: number;
  private ended = false;

  constructor(spec: LeaseSpec) {
    this.spec = spec;
    this.pace = spec.pace ?? machinePace;
    this.heldUntil = this.pace.now() + spec.seconds * 1000;
    void this.keep();
  }

  /**
   * Renews at once: before an effect that must not happen without the lease.
   * @returns false when it is gone
   */
  async confirm(): Promise<boolean> {
    while (!this.ended && !this.stopped.signal.aborted) {
      if (await this.renew()) return true;
      await this.pace.pause(RETRY_MS * 2 * this.pace.random(), this.stopped.signal);
    }
    return false;
  }

  /** The run is over; the lease is left to end with it. */
  stop(): void {
    this.stopped.abort();
  }

  private async keep(): Promise<void> {
    const interval = renewalInterval(this.spec.seconds) * 1000;
    let wait = interval;
    while (!this.ended) {
      await this.pace.pause(wait, this.stopped.signal);
      if (this.stopped.signal.aborted) return;
      wait = (await this.renew()) ? interval : Math.min(interval, RETRY_MS * 2 * this.pace.random());
    }
  }

  /** False when it did not get through in time, or was refused (then the lease has ended). */
  private async renew(): Promise<boolean> {
    const sentAt = this.pace.now();
    try {
      const { directives } = await this.beforeItEnds(
        this.spec.coordinator.renewLease({
          params: { jobId: this.spec.jobId, epoch: this.spec.epoch },
          body: { running: this.spec.running() },
        }),
      );
      this.heldUntil = Math.max(this.heldUntil, sentAt + this.spec.seconds * 1000);
      if (directives.includes('drain')) this.spec.onDrain();
      // A process that stood still meanwhile reads an answer of long ago: the lease may be another's by now.
      if (!directives.includes('stop')) return this.pace.now() < this.heldUntil;
      this.end({ kind: 'stop' });
    } catch (error) {
      if (isRefusal(error)) this.end({ kind: 'lost', message: error.message });
      else if (this.pace.now() >= this.heldUntil) {
        const why = reasonOf(error);
        this.end({ kind: 'lost', message: `no renewal got through for ${this.spec.seconds} s: ${why}` });
      }
    }
    return false;
  }

  /** An answer that does not come must not keep a dead lease alive. */
  private async beforeItEnds<T>(answer: Promise<T>): Promise<T> {
    const answered = new AbortController();
    const tooLate = this.pace
      .pause(Math.max(0, this.heldUntil - this.pace.now()), answered.signal)
      .then(() => {
        throw new Error('the control plane did not answer');
      });
    try {
      return await Promise.race([answer, tooLate]);
    } finally {
      tooLate.catch(() => {});
      answered.abort();
    }
  }

  private end(end: LeaseEnd): void {
    if (this.ended || this.stopped.signal.aborted) return;
    this.ended = true;
    this.spec.onEnd(end);
  }
}

/** The lease is another's, or the job is gone; anything else may pass. */
export const isRefusal = (error: unknown): error is AppError =>
  error instanceof AppError && (error.code === 'stale-epoch' || error.code === 'not-found');
