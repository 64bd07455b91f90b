// What must hold between documents of different partitions: composites and their children, profiles and their jobs.
import type { TransactionRecord } from '../../local/cosmos/records.js';
import type { JobEvent } from '../../shared/contract/event.js';
import type { Job } from '../../shared/contract/job.js';
import type { Profile } from '../../shared/contract/profile.js';
import { isEnded } from '../../shared/rules/stages.js';
import type { SimTime } from './time.js';

/** Between the last look at the children and the write that ends the parent a person may run one of them again. */
const LOOK_MS = 2 * 60_000;
/** As long as the feed may stand still, and be tried again, before the children of a cancelled parent are reached. */
const CANCEL_MS = 30 * 60_000;

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
  /** `owner name` → its versions and when each came (ms). */
  readonly #profiles = new Map<string, { version: number; at: number }[]>();

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
      if (from !== undefined && parent !== undefined && !isEnded(from) && body.kind !== 'job.cancelled')
        this.#checkCancelled(job, parent);
      if (body.kind === 'job.assigned' && body.run !== 'land') this.#checkProfile(job);
    }
  }

  /** A version of a profile is there. */
  profileWritten({ w }: TransactionRecord): void {
    for (const { b } of w) {
      if (b?.['type'] !== 'profile') continue;
      const { productId, name, version } = b as unknown as Profile;
      const key = `${productId} ${name}`;
      const versions = this.#profiles.get(key) ?? [];
      const newest = versions.at(-1)?.version ?? 0;
      if (version !== newest + 1 && version !== newest)
        this.#violate('profiles keep every version', `${key} went from version ${newest} to ${version}`);
      this.#profiles.set(key, [...versions, { version, at: this.#time.now }]);
    }
  }

  /** A job that waited while its profile was edited is assigned with what it is now. */
  #checkProfile({ jobId, profile }: Job): void {
    if (!profile) return;
    const versions = this.#profiles.get(`${profile.owner} ${profile.name}`) ?? [];
    const known = versions.findLast(({ at }) => at < this.#time.now - LOOK_MS)?.version ?? 0;
    if (profile.version < known)
      this.#violate(
        'a job is assigned with the newest profile',
        `${jobId} got version ${profile.version} of ${profile.name}, ${known} is there for long`,
      );
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
        `${jobId} was still at work ${Math.round(lateMs / 1000)} s after ${parent} was cancelled`,
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
