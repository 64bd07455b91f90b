/**
 * The live log of one run: in order, by offset, in batches. What the control plane has not acknowledged is sent
 * again; when it falls behind, the engine's writing waits.
 */
import { AppError } from '../../shared/errors.js';
import type { Coordinator } from '../coordinator.js';
import { Deferred } from '../deferred.js';
import { pause } from '../pause.js';
import type { RedactingStream } from './redact.js';

/** Batches follow each other no faster (ms) … */
const BATCH_MS = 200;
/** … but the first output after a pause waits only so long for company (ms). */
const FIRST_MS = 20;
/** A log that goes on for hours is sent less often (ms): an append blob takes 50,000 appends. */
const LATE_BATCH_MS = 2000;
const LATE_AFTER_APPENDS = 20_000;
/** The largest batch (bytes): all that the route takes, as its round trip limits a log that comes fast. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** Beyond this much unsent output writing waits (bytes). */
const HIGH_WATER_BYTES = 12 * 1024 * 1024;
/** … each piece for so long at most (ms): an outage slows an engine down, but does not hold the end of its run. */
const STALL_MS = 2000;
/** One run's log at most (bytes); what comes after is dropped, and the log says so. */
const MAX_LOG_BYTES = 256 * 1024 * 1024;
/** After a failed append (ms), doubled each time. */
const RETRY_MS = 200;
const MAX_RETRY_MS = 5000;

export interface LogTarget {
  readonly coordinator: Pick<Coordinator, 'appendLog'>;
  readonly jobId: string;
  readonly epoch: number;
}

export class RunLog {
  private readonly target: LogTarget;
  private readonly redactor: RedactingStream;
  /** Stops the sending: the run is over for us, or the control plane takes no more. */
  private readonly stopped = new AbortController();
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  /** Where the first pending byte belongs. */
  private offset = 0;
  private written = 0;
  private appends = 0;
  private ending = false;
  private full = false;
  private wake: () => void = () => {};
  private drained = new Deferred();
  private sentAt = Number.NEGATIVE_INFINITY;
  private readonly sending: Promise<void>;

  constructor(target: LogTarget, redactor: RedactingStream) {
    this.target = target;
    this.redactor = redactor;
    this.sending = this.send();
  }

  /** Takes output; a promise when the writer should wait before it writes more. */
  write(chunk: Buffer): Promise<void> | undefined {
    if (this.full || this.ending || this.stopped.signal.aborted) return undefined;
    this.push(this.redactor.write(chunk));
    if (this.written >= MAX_LOG_BYTES) {
      this.full = true;
      this.push(
        Buffer.from(`\n[factory] the log is longer than ${MAX_LOG_BYTES} bytes: the rest is dropped\n`),
      );
    }
    return this.pendingBytes > HIGH_WATER_BYTES ? this.room() : undefined;
  }

  /** A line of the factory's own, apart from the engine's. */
  note(line: string): void {
    void this.write(Buffer.from(`[factory] ${line}\n`));
  }

  /** Sends what is left and closes the log; never throws. Gives up when `stop` is called. */
  async end(): Promise<void> {
    if (!this.full) this.push(this.redactor.end());
    this.ending = true;
    this.wake();
    await this.sending;
  }

  /** Drops what was not sent; writing goes nowhere from now on. */
  stop(): void {
    this.stopped.abort();
    this.wake();
    this.drained.resolve();
  }

  private async room(): Promise<void> {
    const over = new AbortController();
    await Promise.race([this.drained.promise, pause(STALL_MS, over.signal)]);
    over.abort();
  }

  private push(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.pending.push(bytes);
    this.pendingBytes += bytes.length;
    this.written += bytes.length;
    this.wake();
  }

  private async send(): Promise<void> {
    let failures = 0;
    const { signal } = this.stopped;
    while (!signal.aborted) {
      if (this.pendingBytes === 0 && !this.ending) await this.more();
      if (!this.ending && this.pendingBytes < MAX_BATCH_BYTES) await this.company();
      if (signal.aborted) break;
      const batch = this.batch();
      this.sentAt = performance.now();
      const end = this.ending && batch.length === this.pendingBytes;
      try {
        const { nextOffset } = await this.target.coordinator.appendLog({
          params: { jobId: this.target.jobId, epoch: this.target.epoch },
          query: { offset: this.offset, end },
          body: batch,
        });
        failures = 0;
        this.appends += 1;
        this.acknowledge(nextOffset);
        if (end && this.pendingBytes === 0) break;
      } catch (error) {
        if (isFinal(error)) return this.stop();
        await pause(Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** failures), signal);
        failures += 1;
      }
    }
  }

  /** Waits until there is something to do. */
  private async more(): Promise<void> {
    const { promise, resolve } = new Deferred();
    this.wake = resolve;
    if (this.pendingBytes === 0 && !this.ending && !this.stopped.signal.aborted) await promise;
  }

  /** Waits for the batch to fill, but not for long, and not when the log ends. */
  private async company(): Promise<void> {
    const over = new AbortController();
    this.wake = () => {
      if (this.ending || this.stopped.signal.aborted || this.pendingBytes >= MAX_BATCH_BYTES) over.abort();
    };
    const interval = this.appends < LATE_AFTER_APPENDS ? BATCH_MS : LATE_BATCH_MS;
    await pause(Math.max(FIRST_MS, this.sentAt + interval - performance.now()), over.signal);
  }

  /** The next bytes to send, as one piece at the front of what is pending. */
  private batch(): Buffer {
    let pieces = 0;
    for (let bytes = 0; pieces < this.pending.length && bytes < MAX_BATCH_BYTES; pieces += 1) {
      bytes += this.pending[pieces]?.length ?? 0;
    }
    const joined = Buffer.concat(this.pending.slice(0, pieces));
    this.pending.splice(0, pieces, joined);
    return joined.subarray(0, MAX_BATCH_BYTES);
  }

  /** @param nextOffset where the log ends over there: an earlier attempt may have arrived, or part of it */
  private acknowledge(nextOffset: number): void {
    let taken = nextOffset - this.offset;
    if (taken < 0 || taken > this.pendingBytes) return this.stop();
    this.offset = nextOffset;
    this.pendingBytes -= taken;
    while (taken > 0) {
      const first = this.pending.shift() ?? Buffer.alloc(0);
      if (first.length > taken) this.pending.unshift(first.subarray(taken));
      taken -= Math.min(taken, first.length);
    }
    if (this.pendingBytes > HIGH_WATER_BYTES / 2) return;
    this.drained.resolve();
    this.drained = new Deferred();
  }
}

/** The control plane understood and said no: sending it again changes nothing. */
const isFinal = (error: unknown): boolean =>
  error instanceof AppError &&
  error.code !== 'unavailable' &&
  error.code !== 'internal' &&
  error.code !== 'contended';
