// Watches every transaction of the store: what must hold after each step, and what the run has come to.
import { hashOfEvent } from '../../shared/eventChain.js';
import type { JsonObject } from '../../local/cosmos/json.js';
import type { TransactionRecord } from '../../local/cosmos/records.js';
import type { JobEvent } from '../../shared/contract/event.js';
import type { Lease } from '../../shared/contract/fleet.js';
import type { Switches } from '../../shared/contract/switches.js';
import type { Job, Run, Stage } from '../../shared/contract/job.js';
import { BUDGETS, CONTROL, JOBS, LEASES, PROFILES, READY } from '../../shared/topology.js';
import type { HistoryEntry } from './history.js';
import { Families } from './families.js';
import { MAX_SKEW_MS } from './hosts.js';
import { Ledgers } from './ledgers.js';
import { rivalsOf } from './locks.js';
import type { SimTime } from './time.js';
import { told } from './told.js';
import type { FaultKind, Weather } from './weather.js';

export interface Violation {
  readonly rule: string;
  readonly message: string;
  /** Virtual milliseconds since the beginning. */
  readonly atMs: number;
}

/** From where a stage may be entered: told once more, independent of the product's own table. */
const ENTERED_FROM: Record<Stage, readonly Stage[]> = {
  queued: ['assigned', 'building', 'review', 'failed', 'dead_letter'],
  assigned: ['queued'],
  building: ['assigned'],
  review: ['building', 'testing'],
  testing: ['review'],
  /** From `queued` a composite alone, see families.ts. */
  shipped: ['testing', 'queued'],
  failed: ['queued', 'assigned', 'building', 'review', 'testing'],
  dead_letter: ['assigned', 'building', 'review'],
};

/** A job that waits for longer than this (ms) has had its sweeps. */
const SWEPT_MS = 5 * 60_000;
/** A fenced worker may renew until its lease is swept away: half a minute, or what an outage makes of it. */
const LINGER_MS = 5 * 60_000;
/** As long as a claim or a renewal may be under way that began before the halt, and a give-back may be tried again. */
const HALT_GRACE_MS = 5 * 60_000;
/** The answer to a renewal is on its way for so long at most. */
const EFFECT_GRACE_MS = 60_000;

/** What is known of one job. */
interface Known {
  job: Job;
  readonly events: JobEvent[];
  readonly runs: Map<number, Run>;
  /** When the lease of an epoch runs out as last written. */
  leaseEnd: { epoch: number; holder: string; expiresAt: string } | undefined;
}

export class Watch {
  readonly violations: Violation[] = [];
  readonly jobs = new Map<string, Known>();
  /** `queued → assigned` → kind of fault, or `none` → how often. */
  readonly coverage = new Map<string, Map<FaultKind | 'none', number>>();
  readonly ready = new Map<string, JsonObject>();
  readonly leases = new Map<string, Lease>();
  readonly ledgers: Ledgers;
  readonly families: Families;
  /** Jobs that somebody holds. */
  inFlight = 0;
  readonly #time: SimTime;
  readonly #weather: Weather;
  readonly #history: HistoryEntry[];
  readonly leaseSeconds: number;
  readonly #tell: (line: () => string) => void;
  halts: Switches['on'] = [];
  readonly losses = new Map<string, HistoryEntry & { returnedAt: number }>();
  /** `<job>.<epoch>` → when the reaper fenced its lease: the loss begins there, the job is taken a moment later. */
  readonly #fencedAt = new Map<string, number>();
  readonly #listeners: ((job: Job) => void)[] = [];

  constructor(
    time: SimTime,
    weather: Weather,
    history: HistoryEntry[],
    leaseSeconds: number,
    tell: (line: () => string) => void,
  ) {
    this.#time = time;
    this.leaseSeconds = leaseSeconds;
    this.#weather = weather;
    this.#history = history;
    this.#tell = tell;
    this.families = new Families(time, (rule, message) => this.violate(rule, message));
    this.ledgers = new Ledgers((rule, message) => this.violate(rule, message));
  }

  /** @param ms since 1970 */
  hasLeaseEndingBy(ms: number): boolean {
    const moment = new Date(ms).toISOString();
    for (const { expiresAt } of this.leases.values()) if (expiresAt <= moment) return true;
    return false;
  }

  /** Is there something for the sweeper: a job that became ready lately, or a job in flight and a lease that do not match? */
  hasLooseEnds(): boolean {
    const lately = new Date(this.#time.now - SWEPT_MS).toISOString();
    for (const entry of this.ready.values()) if (String(entry['readySince'] as string) >= lately) return true;
    let matches = 0;
    for (const { jobId, epoch } of this.leases.values()) {
      const job = this.jobs.get(jobId)?.job;
      if (job?.holder === undefined || job.epoch !== epoch) return true;
      matches += 1;
    }
    return matches !== this.inFlight;
  }

  violate(rule: string, message: string): void {
    this.violations.push({ rule, message, atMs: Math.round(this.#time.now - this.#time.startedAt) });
    this.#tell(() => `!! ${rule}: ${message}`);
  }

  /** Called when a job has changed. */
  onJob(listener: (job: Job) => void): void {
    this.#listeners.push(listener);
  }

  written(container: string, record: TransactionRecord): void {
    switch (container) {
      case JOBS:
        return this.#jobWritten(record);
      case LEASES:
        return this.#leaseWritten(record);
      case BUDGETS:
        return this.ledgers.written(record);
      case PROFILES:
        return this.families.profileWritten(record);
      case CONTROL:
        for (const { i, b } of record.w)
          if (b?.['type'] === 'switches') this.halts = (b as unknown as Switches).on;
          else if (b?.['type'] === 'parked')
            this.violate('nothing is put aside', `${i}: ${String(b['error'] as string)}`);
        return;
      case READY:
        for (const { i, b } of record.w) {
          if (b) this.ready.set(i, b);
          else this.ready.delete(i);
        }
    }
  }

  #jobWritten({ w, p }: TransactionRecord): void {
    const jobId = String(p[1] as string);
    const bodies = w.flatMap(({ b }) => (b ? [b] : []));
    // A plan that is stored means nothing before its event.
    if (bodies.length > 0 && bodies.every(({ type }) => type === 'child')) return;
    if (bodies.length < w.length) this.violate('nothing is deleted', `a document of ${jobId} was deleted`);
    const events = bodies.filter(({ type }) => type === 'event') as unknown as JobEvent[];
    const job = bodies.find(({ type }) => type === 'job') as unknown as Job | undefined;
    const known = this.jobs.get(jobId);
    if (!job) {
      this.violate('job and events change together', `${jobId}: events or runs were written without the job`);
      return;
    }
    events.sort((one, other) => one.seq - other.seq);
    this.#checkEvents(known, job, events);
    this.families.written(job, events);
    if (known) this.#checkChange(known, known.job, job, events);
    this.inFlight += Number(job.holder !== undefined) - Number(known?.job.holder !== undefined);
    const now: Known = known ?? { job, events: [], runs: new Map(), leaseEnd: undefined };
    now.job = job;
    now.events.push(...events);
    for (const body of bodies)
      if (body['type'] === 'run') now.runs.set(Number(body['epoch']), body as unknown as Run);
    this.jobs.set(jobId, now);
    this.#checkLock(job);
    for (const event of events) this.#tell(() => `   ${told(event)}`);
    if (events.length > 0) for (const listener of this.#listeners) listener(job);
  }

  /** Each change of a job has its event, numbered and chained. */
  #checkEvents(known: Known | undefined, job: Job, events: readonly JobEvent[]): void {
    const before = known?.job;
    const { jobId } = job;
    if (job.events !== (before?.events ?? 0) + events.length)
      this.violate(
        'events are numbered',
        `${jobId} counts ${job.events} events, not those that were written`,
      );
    let stage = before?.stage;
    for (const event of events) {
      if (event.from !== undefined && event.from !== stage)
        this.violate('each stage has its event', `${jobId} was in ${stage}, the event says ${event.from}`);
      if (event.stage !== stage && stage !== undefined && event.from === undefined)
        this.violate(
          'each stage has its event',
          `${jobId} went from ${stage} to ${event.stage} without a word`,
        );
      stage = event.stage;
    }
    if (stage !== job.stage)
      this.violate('each stage has its event', `${jobId} is in ${job.stage}, its last event says ${stage}`);
    if (events.length === 0 && before && JSON.stringify(plain(before)) !== JSON.stringify(plain(job)))
      this.violate('each change has its event', `${jobId} changed without an event`);
    const all = [...(known?.events ?? []), ...events];
    const tail = all.slice(-events.length - 1);
    for (const [at, event] of tail.entries()) {
      const previous = tail[at - 1];
      if (previous && event.prevHash !== previous.hash)
        this.violate(
          'the chain of events holds',
          `${jobId}: event ${event.seq} does not follow ${previous.seq}`,
        );
    }
    if ((all.at(-1)?.hash ?? '') !== job.headHash)
      this.violate('the chain of events holds', `${jobId}: its head is not its last event`);
  }

  #checkChange(known: Known, before: Job, after: Job, events: readonly JobEvent[]): void {
    const { jobId } = after;
    const grew = after.epoch - before.epoch;
    const claims = events.filter(({ body }) => body.kind === 'job.assigned');
    if (grew < 0 || grew > 1 || grew !== claims.length)
      this.violate('epochs grow by claims', `${jobId} went from epoch ${before.epoch} to ${after.epoch}`);
    if (claims.length > 0 && before.holder !== undefined)
      this.violate('one live lease a job', `${jobId} was claimed while ${before.holder} held it`);
    for (const { body } of claims)
      if (body.kind === 'job.assigned') this.#checkHalt(after, { ...after, pool: body.pool }, 'claimed');
    for (const { body } of events) {
      if (!('epoch' in body) || body.kind === 'job.assigned') continue;
      if (body.epoch !== before.epoch)
        this.violate(
          'a stale epoch changes nothing',
          `${jobId}: ${body.kind} of epoch ${body.epoch} counted at ${before.epoch}`,
        );
      if (body.factoryId !== before.holder)
        this.violate(
          'a stale epoch changes nothing',
          `${jobId}: ${body.kind} of ${body.factoryId} counted, ${before.holder} holds it`,
        );
    }
    if (before.stage !== after.stage) this.#cover(known, before.stage, after.stage, events);
    if (before.holder !== undefined && after.holder === undefined) this.#checkEnd(known, before, events);
  }

  #cover(known: Known, from: Stage, to: Stage, events: readonly JobEvent[]): void {
    let stage = from;
    for (const event of events) {
      if (event.stage === stage) continue;
      if (!ENTERED_FROM[event.stage].includes(stage))
        this.violate(
          'stages follow the lifecycle',
          `${known.job.jobId} went from ${stage} to ${event.stage}`,
        );
      const name = `${stage} → ${event.stage}`;
      stage = event.stage;
      const faults = this.coverage.get(name) ?? new Map<FaultKind | 'none', number>();
      const recent = this.#weather.recent();
      for (const kind of recent.length > 0 ? recent : (['none'] as const))
        faults.set(kind, (faults.get(kind) ?? 0) + 1);
      this.coverage.set(name, faults);
    }
    if (stage !== to)
      this.violate('each stage has its event', `${known.job.jobId} is in ${to}, not ${stage}`);
  }

  /** A run ended. By its own report, or because the job was taken away; by the reaper only when it was silent. */
  #checkEnd(known: Known, before: Job, events: readonly JobEvent[]): void {
    const own = events.some(({ actor }) => actor.kind === 'factory');
    const { jobId, epoch } = before;
    if (!own) {
      const lose = { actor: events[0]?.actor.id ?? 'nobody', op: 'lose', jobId, epoch } as const;
      const invokedAt = this.#fencedAt.get(`${jobId}.${epoch}`) ?? this.#time.now;
      const loss = { ...lose, invokedAt, returnedAt: Infinity, result: 'ok' as const };
      this.losses.set(jobId, loss);
      this.#history.push(loss);
      // Without a lease there is nothing left that could be renewed.
      if (this.leases.get(jobId)?.epoch !== epoch) this.#lossIsOver(jobId);
    }
    if (!events.some(({ body }) => body.kind === 'run.lost')) return;
    const run = known.runs.get(epoch);
    const end = known.leaseEnd?.epoch === epoch ? known.leaseEnd.expiresAt : undefined;
    // A claim alone is good for a lease time, in which its lease is on the way.
    const heldUntil = end ? Date.parse(end) : Date.parse(run?.startedAt ?? '') + this.leaseSeconds * 1000;
    const left = heldUntil - this.#time.now;
    if (left > MAX_SKEW_MS)
      this.violate(
        'no live lease is taken back',
        `${jobId} was taken from ${before.holder} ${Math.round(left)} ms before its lease ran out`,
      );
  }

  /** The job is taken away at once; its lease, which renewals go by, goes a moment later. Then it is over. */
  #lossIsOver(jobId: string): void {
    const loss = this.losses.get(jobId);
    if (loss) loss.returnedAt = Math.min(loss.returnedAt, this.#time.now);
  }

  #leaseWritten({ w }: TransactionRecord): void {
    for (const { i, b } of w) {
      if (b?.['type'] !== undefined && b['type'] !== 'lease') continue;
      const known = this.jobs.get(i);
      if (!b) {
        this.leases.delete(i);
        this.#lossIsOver(i);
        continue;
      }
      const lease = b as unknown as Lease;
      const { jobId, epoch, holder, expiresAt } = lease;
      const before = this.leases.get(i);
      if (lease.takenFrom !== undefined && before?.takenFrom === undefined)
        this.#fencedAt.set(`${jobId}.${epoch}`, this.#time.now);
      if (before && before.epoch > epoch)
        this.violate(
          'leases go forward',
          `the lease of ${jobId} went from epoch ${before.epoch} to ${epoch}`,
        );
      if (before?.epoch === epoch && before.expiresAt > after(expiresAt, MAX_SKEW_MS))
        this.violate('leases go forward', `the lease of ${jobId} was shortened to ${expiresAt}`);
      if (!known || known.job.epoch < epoch)
        this.violate('leases follow claims', `${jobId} has a lease of epoch ${epoch} before its claim`);
      this.leases.set(i, lease);
      const loss = this.losses.get(i);
      if (loss && loss.epoch < epoch) this.#lossIsOver(i);
      // A renewal that began before the loss may write the lease once more, until the sweeper takes it away.
      if (loss?.epoch === epoch) this.#lingers(loss, lease);
      if (before?.epoch === epoch) this.#checkHalt(lease, lease, 'renewed');
      if (known?.job.epoch === epoch && known.job.holder === holder)
        known.leaseEnd = { epoch, holder, expiresAt };
      if (known && before?.epoch !== epoch) this.#checkLock(known.job);
    }
  }

  #lingers(loss: HistoryEntry & { returnedAt: number }, { jobId, epoch }: Lease): void {
    loss.returnedAt = Infinity;
    const seconds = Math.round((this.#time.now - loss.invokedAt) / 1000);
    if (seconds * 1000 > LINGER_MS)
      this.violate(
        'a fenced worker stops',
        `the lease of ${jobId} epoch ${epoch} is still renewed ${seconds} s after it was lost`,
      );
  }

  /** Nothing is claimed under a halt, and nothing goes on for long. */
  #checkHalt(
    { jobId }: { jobId: string },
    { productId, pool }: { productId: string; pool: string },
    what: string,
  ): void {
    for (const { scope, since } of this.halts) {
      if (scope !== 'fleet' && scope !== `product:${productId}` && scope !== `pool:${pool}`) continue;
      const lastedMs = this.#time.now - Date.parse(since);
      if (lastedMs > HALT_GRACE_MS)
        this.violate(
          'a halt stops everything',
          `${jobId} was ${what} ${Math.round(lastedMs / 1000)} s after ${scope} was halted`,
        );
    }
  }

  /** Right before an effect on the outside: the run must have the job, but for the time that an answer travels. */
  effect(jobId: string, epoch: number, by: string): void {
    const job = this.jobs.get(jobId)?.job;
    if (!job || (job.epoch === epoch && job.holder === by)) return;
    const loss = this.losses.get(jobId);
    const lostAt = loss?.epoch === epoch ? loss.invokedAt : 0;
    if (this.#time.now - lostAt > EFFECT_GRACE_MS)
      this.violate(
        'no effect without the lease',
        `${by} pushed for epoch ${epoch} of ${jobId} after it was lost`,
      );
  }

  #checkLock(job: Job): void {
    for (const other of rivalsOf(job, this.jobs.values(), this.leases))
      this.violate(
        'one holder a lock',
        `${job.jobId} and ${other} both run with the lock ${job.manifest.lock}`,
      );
  }

  /** At the end: every chain as a whole, as an auditor reads it. */
  checkChains(): void {
    for (const { job, events } of this.jobs.values()) {
      let prevHash = '';
      for (const [at, event] of events.entries()) {
        if (event.seq !== at + 1 || event.prevHash !== prevHash || hashOfEvent(plain(event)) !== event.hash)
          this.violate('the chain of events holds', `${job.jobId} is broken at event ${at + 1}`);
        prevHash = event.hash;
      }
    }
  }
}

const after = (iso: string, ms: number): string => new Date(Date.parse(iso) + ms).toISOString();

/** Without what the database adds. */
const plain = <T extends object>(document: T): T =>
  Object.fromEntries(Object.entries(document).filter(([name]) => !name.startsWith('_'))) as T;
