/** Tells the control plane what happened in a run, one report after the other, again while one does not get through. */
import type { RunReport } from '../../shared/contract/api.js';
import type { JobView } from '../../shared/contract/view.js';
import { AppError } from '../../shared/errors.js';
import type { Coordinator } from '../coordinator.js';
import { Mutex } from '../mutex.js';
import { machinePace, type Pace } from '../pace.js';
import type { Redactor } from './redact.js';

/** Pause before a report is sent again (ms), doubled each time. */
const RETRY_MS = 100;
const MAX_RETRY_MS = 3000;
/** As the contract takes them (characters). */
const MAX_MESSAGE_CHARS = 4000;
const MAX_TAIL_CHARS = 8000;

export class Reporter {
  private readonly coordinator: Pick<Coordinator, 'reportRun'>;
  private readonly params: { readonly jobId: string; readonly epoch: number };
  private readonly redactor: Pick<Redactor, 'text'>;
  private readonly pace: Pace;
  private readonly queue = new Mutex();

  constructor(
    coordinator: Pick<Coordinator, 'reportRun'>,
    params: { readonly jobId: string; readonly epoch: number },
    redactor: Pick<Redactor, 'text'>,
    pace: Pace = machinePace,
  ) {
    this.coordinator = coordinator;
    this.params = params;
    this.redactor = redactor;
    this.pace = pace;
  }

  /**
   * Reports in the order of the calls; resolves when the control plane has it.
   * @param signal gives up; nothing that waits is sent then
   * @returns the job as it is then
   * @throws AppError when the control plane refuses it, an AbortError when the signal came first
   */
  send(report: RunReport, signal: AbortSignal): Promise<JobView | undefined> {
    const body = this.fit(report);
    return this.queue.run(async () => {
      for (let attempt = 0; ; attempt += 1) {
        signal.throwIfAborted();
        try {
          const { job } = await this.coordinator.reportRun({ params: this.params, body });
          return job ?? undefined;
        } catch (error) {
          if (isRefused(error)) throw error;
          await this.pace.pause(Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** attempt), signal);
        }
      }
    });
  }

  /** Without secrets, and not longer than the contract takes. */
  private fit(report: RunReport): RunReport {
    switch (report.kind) {
      case 'failed':
      case 'released':
        return { ...report, message: clip(this.redactor.text(report.message), MAX_MESSAGE_CHARS) };
      case 'verified': {
        const { verify } = report;
        // The end of an output says more than its beginning.
        const tail = this.redactor.text(verify.tail).slice(-MAX_TAIL_CHARS);
        const tests = verify.tests && {
          ...verify.tests,
          failures: verify.tests.failures.map((name) => this.redactor.text(name)),
        };
        return { ...report, verify: { ...verify, tail, ...(tests && { tests }) } };
      }
      case 'started':
      case 'checkpointed':
      case 'finished':
      case 'planned':
      case 'landed':
        return report;
    }
  }
}

const clip = (text: string, chars: number): string =>
  text.length <= chars ? text : `${text.slice(0, chars - 2)} …`;

/** Sending it again would be answered the same; everything else may pass. */
const isRefused = (error: unknown): boolean =>
  error instanceof AppError &&
  error.code !== 'unavailable' &&
  error.code !== 'internal' &&
  error.code !== 'contended' &&
  error.code !== 'unauthenticated';
