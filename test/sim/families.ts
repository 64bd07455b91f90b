// Composites and their children: what must hold between jobs of different partitions.
import type { JobEvent } from '../../shared/contract/event.js';
import type { Job } from '../../shared/contract/job.js';
import { isEnded } from '../../shared/rules/stages.js';
import type { SimTime } from './time.js';

/** Between the last look at the children and the write that ends the parent a person may run one of them again. */
const LOOK_MS = 2 * 60_000;
/** As long as the feed may stand still, and be tried again, before the children of a cancelled parent are reached. */
const CANCEL_MS = 60 * 60_000;

interface Member {
  job: Job;
  /** When it last came back from an end (ms). */
  reopenedAt: number;
}

export class Families {
  /** Composites that wait for their children. */
  open = 0;
  readonly #time: SimTime;
  readonly #violate: (rule: string, message: string) => void;
  readonly #jobs = new Map<string, Member>();
  readonly #children = new Map<string, Set<string>>();
  readonly #cancelledAt = new Map<string, number>();

  constructor(time: SimTime, violate: (rule: string, message: string) => void) {
    this.#time = time;
    this.#violate = violate;
  }

  /** Before the watch takes the change in. */
  written(job: Job, events: readonly JobEvent[]): void {
    const { jobId, parent } = job;
    const before = this.#jobs.get(jobId);
    const reopened = before !== undefined && isEnded(before.job.stage) && !isEnded(job.stage);
    const now = this.#time.now;
    this.#jobs.set(jobId, { job, reopenedAt: reopened ? now : (before?.reopenedAt ?? 0) });
    this.open += Number(waits(job)) - Number(before !== undefined && waits(before.job));
    if (parent !== undefined)
      this.#children.set(parent, (this.#children.get(parent) ?? new Set()).add(jobId));
    for (const { body, from, stage } of events) {
      if (body.kind === 'children.ended') this.#checkFamily(job);
      else if (from === 'queued' && stage === 'shipped')
        this.#violate('stages follow the lifecycle', `${jobId} shipped from the queue by ${body.kind}`);
      if (body.kind === 'job.cancelled') this.#cancelledAt.set(jobId, now);
      if (body.kind === 'job.requeued') this.#cancelledAt.delete(jobId);
      if (body.kind === 'job.assigned' && parent !== undefined) this.#checkCancelled(job, parent);
    }
  }

  /** All children are there and have ended, and the parent says the truth about them. */
  #checkFamily({ jobId, stage, children }: Job): void {
    const family = [...(this.#children.get(jobId) ?? [])].flatMap((id) => this.#jobs.get(id) ?? []);
    if (children === undefined || family.length !== children.count)
      this.#violate(
        'children end before their parent',
        `${jobId} ended with ${family.length} of ${children?.count ?? 0} children there`,
      );
    const justNow = this.#time.now - LOOK_MS;
    for (const { job, reopenedAt } of family) {
      if (reopenedAt > justNow) continue;
      if (!isEnded(job.stage))
        this.#violate(
          'children end before their parent',
          `${jobId} ended while ${job.jobId} is ${job.stage}`,
        );
      else if (stage === 'shipped' && job.stage !== 'shipped')
        this.#violate('children end before their parent', `${jobId} shipped, ${job.jobId} is ${job.stage}`);
    }
  }

  #checkCancelled({ jobId }: Job, parent: string): void {
    const reopenedAt = this.#jobs.get(jobId)?.reopenedAt ?? 0;
    const cancelledAt = this.#cancelledAt.get(parent);
    if (cancelledAt === undefined || reopenedAt > cancelledAt) return;
    const lateMs = this.#time.now - cancelledAt;
    if (lateMs > CANCEL_MS)
      this.#violate(
        'a cancelled composite takes its children along',
        `${jobId} was claimed ${Math.round(lateMs / 1000)} s after ${parent} was cancelled`,
      );
  }

  /** At the end: no composite has ended with fewer children than its plans promised. */
  checkEnd(): void {
    for (const { job } of this.#jobs.values()) {
      const there = this.#children.get(job.jobId)?.size ?? 0;
      if (job.stage === 'shipped' && job.children !== undefined && there !== job.children.count)
        this.#violate(
          'a plan is carried out as a whole',
          `${job.jobId} was promised ${job.children.count} children and has ${there}`,
        );
    }
  }
}

const waits = ({ stage, children }: Job): boolean =>
  stage === 'queued' && children !== undefined && children.count > 0;
