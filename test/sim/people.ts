// People: they set products and budgets up, submit jobs, ship, reject, hold, halt and cancel. They try again while the
// control plane does not answer; what it acknowledged they remember.
import type { Operator } from '../../functions/operations/caller.js';
import { addChildren } from '../../functions/operations/addChildren.js';
import { decideGate, type GateDecision } from '../../functions/operations/decideGate.js';
import type { Deps } from '../../functions/operations/deps.js';
import { pauseProduct, resumeProduct } from '../../functions/operations/pauseProduct.js';
import { putBudget } from '../../functions/operations/putBudget.js';
import { putProduct } from '../../functions/operations/putProduct.js';
import { putProfile } from '../../functions/operations/putProfile.js';
import { readProfile } from '../../functions/operations/profileStore.js';
import { receiveWebhook } from '../../functions/operations/receiveWebhook.js';
import { submitJob } from '../../functions/operations/submitJob.js';
import { halt, resume } from '../../functions/operations/switches.js';
import { PlanSchema } from '../../shared/contract/children.js';
import type { ManifestInput } from '../../shared/contract/manifest.js';
import type { Job } from '../../shared/contract/job.js';
import { AppError } from '../../shared/errors.js';
import { isEnded, isInFlight, isLanding, isParked } from '../../shared/rules/stages.js';
import type { Hosts } from './hosts.js';
import type { Random } from './random.js';
import type { SimTime } from './time.js';
import { TRACKER, type SimTracker } from './tracker.js';
import type { Watch } from './watch.js';
import { OWN_PROFILE, followUpOf, manifestOf, planOf, profileOf } from './work.js';
import type { Wishes } from './worlds.js';

export const ADA: Operator = { kind: 'operator', id: 'ada', grants: [{ role: 'admin', productId: '*' }] };
const BOB: Operator = { kind: 'operator', id: 'bob', grants: [{ role: 'admin', productId: '*' }] };
const MINUTE_MS = 60_000;
/** No request arrives so long after it was sent. */
const LATE_MINUTES = 6;
const MEDDLINGS = [
  'halt',
  'pauseProduct',
  'cancel',
  'hold',
  'pause',
  'requeue',
  'race',
  'race',
  'editProfile',
] as const;
/** How long after its claim a run is restarted (ms): before its lease is written, before it begins, while it builds. */
const RESTARTS_MS = [100, 100, 20_000, 2 * MINUTE_MS];
/** How long after a stage a job that waits for it is submitted (ms): while instances still read an earlier one. */
const FOLLOW_MS = 1000;
/** Answers after which a person tries the same again. */
const PASSING: ReadonlySet<string> = new Set(['unavailable', 'internal', 'contended']);

export interface PeopleWorld {
  readonly time: SimTime;
  readonly random: Random;
  readonly hosts: Hosts;
  readonly watch: Watch;
  /** Whose items become jobs of the first product. */
  readonly tracker: SimTracker | undefined;
  readonly wishes: Wishes;
  readonly tell: (line: () => string) => void;
}

/** What the control plane said yes to. */
export interface Acknowledged {
  readonly what: 'submit' | 'ship' | 'cancel' | 'requeue';
  readonly jobId: string;
  readonly seq: number;
}

export class People {
  readonly acknowledged: Acknowledged[] = [];
  /** Composites that were given children. */
  readonly split: { jobId: string; children: string[] }[] = [];
  /** Submits that people still try to get through. */
  submitting = 0;
  readonly #world: PeopleWorld;
  readonly #products: string[];
  #submitted: string[] = [];
  readonly #budgeted = new Set<string>();
  readonly #profiled = new Set<string>();
  #isTidying = false;

  constructor(world: PeopleWorld, products: readonly string[]) {
    this.#world = world;
    this.#products = [...products];
    world.watch.onJob((job) => this.#notice(job));
  }

  /** Tries until it is done or refused for good; undefined when it was refused. */
  async ask<T>(what: string, operate: (deps: Deps) => Promise<T>): Promise<T | undefined> {
    const { hosts, time, random, tell } = this.#world;
    for (;;) {
      try {
        return await hosts.call('people', operate);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        tell(() => `people ${what}: ${error.code} ${error.message}`);
        if (!PASSING.has(error.code)) return undefined;
        await time.sleep(random.between(500, 15_000));
      }
    }
  }

  async setUp(): Promise<void> {
    for (const productId of this.#products) {
      const body = {
        name: productId,
        defaults: { repo: `/${productId}.git`, engine: 'shell' as const },
        ...(this.#world.tracker && productId === this.#products[0] ? { tracker: TRACKER } : {}),
      };
      await this.ask('putProduct', (deps) => putProduct(deps, ADA, { params: { productId }, body }));
      if (this.#world.random.chance(0.4)) {
        this.#profiled.add(productId);
        await this.#editProfile(productId);
      }
      if (!this.#world.random.chance(this.#world.wishes.budgeted)) continue;
      this.#budgeted.add(productId);
      const dayUsd = this.#world.random.pick([6, 12, 40]);
      await this.ask('putBudget', (deps) =>
        putBudget(deps, ADA, { params: { productId }, body: { dayUsd, assumedUsd: 4 } }),
      );
    }
  }

  /** Submits so many jobs, in bursts, within that time, and does so many things that nobody had to do. */
  work(count: number, meddlings: number, withinMs: number): void {
    const { time, random } = this.#world;
    const bursts = Array.from({ length: random.int(1, 4) }, () => random.between(0, withinMs));
    const burstMs = random.pick(this.#world.wishes.burstsMs);
    for (let at = 0; at < count; at += 1) {
      this.submitting += 1;
      const key = `key-${at}`;
      const productId = random.pick(this.#products);
      time.after(
        random.pick(bursts) + random.between(0, burstMs),
        () => void this.#submit(productId, this.#manifest(productId, key)),
      );
    }
    const items = this.#world.tracker ? random.int(1, 3) : 0;
    for (let at = 0; at < items; at += 1) time.after(random.pick(bursts), () => void this.#file());
    for (let at = 0; at < meddlings; at += 1)
      time.after(random.between(0, withinMs * 1.5), () => void this.#meddle());
  }

  async #submit(productId: string, manifest: ManifestInput): Promise<void> {
    const { random } = this.#world;
    const key = manifest['idempotency-key'];
    const once = (): Promise<Awaited<ReturnType<typeof submitJob>> | undefined> =>
      this.ask(`submit ${key}`, (deps) => submitJob(deps, ADA, { body: { productId, manifest } }));
    // Impatient people press the button twice.
    const all = await Promise.all(random.chance(0.15) ? [once(), once()] : [once()]);
    const ids = new Set(all.flatMap((one) => (one ? [one.job.jobId] : [])));
    if (ids.size > 1) this.#world.watch.violate('one job a key', `${key} became ${[...ids].join(' and ')}`);
    for (const jobId of ids) {
      this.#submitted.push(jobId);
      this.acknowledged.push({ what: 'submit', jobId, seq: 1 });
      if (manifest.kind === 'composite' && manifest.profile === undefined) await this.#split(jobId);
    }
    this.submitting -= 1;
  }

  /** An item's webhooks come in any order, some of them more than once. */
  async #file(): Promise<void> {
    const { random, time, tracker } = this.#world;
    const [productId] = this.#products;
    if (!tracker || productId === undefined) return;
    const { number, deliveries } = tracker.file();
    const all = random.shuffled([...deliveries, ...deliveries.filter(() => random.chance(0.3))]);
    this.submitting += 1;
    await Promise.all(
      all.map(async ({ body, headers }) => {
        await time.sleep(random.between(0, random.pick([100, MINUTE_MS, 20 * MINUTE_MS])));
        const input = { params: { productId }, body, headers };
        const answer = await this.ask('webhook', (deps) =>
          receiveWebhook(deps, { kind: 'anonymous' }, input),
        );
        if (answer?.accepted) tracker.accepted.add(number);
      }),
    );
    this.submitting -= 1;
  }

  #manifest(productId: string, key: string): ManifestInput {
    const { random, watch, wishes } = this.#world;
    const earlier = this.#submitted.filter((jobId) => {
      const job = watch.jobs.get(jobId)?.job;
      return job?.productId === productId && job.manifest.kind === 'leaf';
    });
    return manifestOf(random, { key, earlier, hasProfile: this.#profiled.has(productId), wishes });
  }

  /** Gives a composite that no planner splits its children, some of them twice. */
  async #split(jobId: string): Promise<void> {
    const { random, time } = this.#world;
    await time.sleep(random.between(0, 3 * MINUTE_MS));
    const body = PlanSchema.parse(planOf(random));
    const once = (): Promise<Awaited<ReturnType<typeof addChildren>> | undefined> =>
      this.ask('addChildren', (deps) => addChildren(deps, ADA, { params: { jobId }, body }));
    const all = await Promise.all(random.chance(0.2) ? [once(), once()] : [once()]);
    const [answer] = all.filter((one) => one !== undefined);
    if (answer) this.split.push({ jobId, children: answer.children.map((child) => child.jobId) });
  }

  /** Somebody looks at a job that waits for people, after a while. */
  #notice(job: Job): void {
    const { time, random } = this.#world;
    this.#interfere(job);
    const needsSomebody = isParked(job) || job.stage === 'failed' || job.stage === 'dead_letter' || job.hold;
    if (needsSomebody && !this.#isTidying)
      time.after(
        random.pick([1, 10, 60, 240]) * MINUTE_MS * random.next(),
        () => void this.#attend(job.jobId),
      );
  }

  /** People who do not wait: they stop what has just begun and start it again, and build on what is not done yet. */
  #interfere(job: Job): void {
    const { time, random, wishes } = this.#world;
    if (this.#isTidying) return;
    if (job.stage === 'assigned' && random.chance(wishes.restarted))
      time.after(random.between(0, random.pick(RESTARTS_MS)), () => void this.#restart(job.jobId));
    if (job.stage === 'testing' && job.deps === undefined && random.chance(wishes.followed)) {
      this.submitting += 1;
      const manifest = followUpOf(random, job.jobId, `after-${job.jobId}-${job.events}`);
      time.after(random.between(0, FOLLOW_MS), () => void this.#submit(job.productId, manifest));
    }
  }

  async #restart(jobId: string): Promise<void> {
    await this.#decide(jobId, { kind: 'pause', reason: 'once more' });
    await this.#decide(jobId, { kind: 'resume' });
  }

  async #attend(jobId: string): Promise<void> {
    const { random } = this.#world;
    const job = this.#world.watch.jobs.get(jobId)?.job;
    if (!job || this.#isTidying) return;
    if (job.hold) return this.#decide(jobId, { kind: 'resume' });
    if (job.stage === 'failed' || job.stage === 'dead_letter') {
      if (random.chance(0.35)) await this.#acknowledge('requeue', jobId);
      return;
    }
    if (isParked(job)) await this.#judge(job, random);
  }

  async #judge({ jobId, stage, manifest, verify }: Job, random: Random): Promise<void> {
    const verified = manifest.verify === undefined || verify?.passed === true;
    if (stage === 'review' && random.chance(0.3)) return this.#acknowledge('requeue', jobId);
    if (random.chance(0.1)) return this.#decide(jobId, { kind: 'reject', reason: 'no' });
    if (random.chance(0.1)) return this.#decide(jobId, { kind: 'hold', reason: 'later' });
    if (!verified) return this.#acknowledge('requeue', jobId);
    if (stage === 'review' && random.chance(0.2)) await this.#decide(jobId, { kind: 'promote' });
    if (typeof manifest['review-policy'] === 'object') await this.#decide(jobId, { kind: 'approve' });
    await this.#acknowledge('ship', jobId);
  }

  /** Something that nobody had to do. */
  async #meddle(): Promise<void> {
    const { random, time, watch } = this.#world;
    if (this.#isTidying) return;
    const open = [...watch.jobs.values()].map(({ job }) => job).filter(({ stage }) => !isEnded(stage));
    const productId = random.pick(this.#products);
    switch (random.pick(MEDDLINGS)) {
      case 'editProfile':
        // Two people edit the same version at the same moment: one of them is refused.
        if (this.#profiled.has(productId))
          await Promise.all([this.#editProfile(productId), this.#editProfile(productId)]);
        return;
      case 'race':
        if (open.length > 0) await this.#race(random.pick(open).jobId);
        return;
      case 'halt': {
        const scope = random.pick(['fleet', `product:${productId}`, 'pool:any']);
        await this.ask('halt', (deps) => halt(deps, ADA, { body: { scope, reason: 'look' } }));
        await time.sleep(random.between(10_000, 20 * MINUTE_MS));
        await this.#goOn(scope);
        return;
      }
      case 'pauseProduct':
        await this.ask('pause', (deps) =>
          pauseProduct(deps, ADA, { params: { productId }, body: { reason: 'look' } }),
        );
        await time.sleep(random.between(10_000, 20 * MINUTE_MS));
        await this.ask('resume', (deps) => resumeProduct(deps, ADA, { params: { productId } }));
        return;
      case 'cancel':
        if (open.length > 0) await this.#acknowledge('cancel', random.pick(open).jobId);
        return;
      case 'requeue': {
        const stuck = open.filter(({ stage }) => stage === 'review');
        if (stuck.length > 0) await this.#acknowledge('requeue', random.pick(stuck).jobId);
        return;
      }
      case 'hold': {
        const idle = open.filter((job) => !isInFlight(job));
        if (idle.length > 0) await this.#decide(random.pick(idle).jobId, { kind: 'hold', reason: 'wait' });
        return;
      }
      case 'pause': {
        const busy = open.filter(isInFlight);
        if (busy.length > 0) await this.#decide(random.pick(busy).jobId, { kind: 'pause', reason: 'wait' });
      }
    }
  }

  /** Two people want different things of one job at the same moment. */
  async #race(jobId: string): Promise<void> {
    const { random } = this.#world;
    const wishes = [
      () => this.#acknowledge('cancel', jobId),
      () => this.#acknowledge('requeue', jobId),
      () => this.#acknowledge('ship', jobId),
      () => this.#decide(jobId, { kind: 'hold', reason: 'wait' }),
      () => this.#decide(jobId, { kind: 'pause', reason: 'wait' }),
      () => this.#decide(jobId, { kind: 'reject', reason: 'no' }),
    ];
    await Promise.all(
      random
        .shuffled(wishes)
        .slice(0, 2)
        .map((wish) => wish()),
    );
  }

  async #editProfile(owner: string): Promise<void> {
    const { random } = this.#world;
    const profile = profileOf(random);
    await this.ask('putProfile', async (deps) => {
      const basedOn = (await readProfile(deps, owner, OWN_PROFILE))?.document.version ?? 0;
      return putProfile(deps, ADA, { params: { owner, name: OWN_PROFILE }, body: { basedOn, profile } });
    });
  }

  async #goOn(scope: string): Promise<void> {
    await this.ask('resume', (deps) => resume(deps, ADA, { body: { scope } }));
  }

  async #decide(jobId: string, decision: GateDecision): Promise<void> {
    const who = decision.kind === 'approve' ? BOB : ADA;
    await this.ask(decision.kind, (deps) => decideGate(deps, who, jobId, decision));
  }

  async #acknowledge(what: 'ship' | 'cancel' | 'requeue', jobId: string): Promise<void> {
    const decision: GateDecision = what === 'ship' ? { kind: what } : { kind: what, reason: what };
    const answer = await this.ask(what, (deps) => decideGate(deps, ADA, jobId, decision));
    if (answer) this.acknowledged.push({ what, jobId, seq: answer.job.events });
  }

  /** From now on people only bring to an end what was begun: no more faults, no more whims. */
  async tidyUp(isOver: () => boolean): Promise<void> {
    const { time, watch } = this.#world;
    this.#isTidying = true;
    for (const productId of this.#budgeted)
      await this.ask('putBudget', (deps) =>
        putBudget(deps, ADA, { params: { productId }, body: { dayUsd: null, monthUsd: null } }),
      );
    for (let minute = 0; !isOver(); minute += 1) {
      // Requests that come minutes late halt and pause once more what was let go on.
      if (minute % LATE_MINUTES === 0)
        for (const productId of this.#products)
          await this.ask('resume', (deps) => resumeProduct(deps, ADA, { params: { productId } }));
      for (const { scope } of watch.halts) await this.#goOn(scope);
      for (const { job } of watch.jobs.values()) await this.#finish(job);
      await time.sleep(MINUTE_MS);
    }
  }

  async #finish(job: Job): Promise<void> {
    const { watch } = this.#world;
    const { jobId } = job;
    if (isEnded(job.stage)) return;
    if (job.hold) return this.#decide(jobId, { kind: 'resume' });
    const waitsInVain = job.waitsFor?.some((other) => {
      const needed = watch.jobs.get(other)?.job;
      return !needed || (isEnded(needed.stage) && needed.stage !== 'shipped');
    });
    // One that nobody splits any more.
    const isEmpty = job.children?.count === 0;
    if (waitsInVain || isEmpty) return this.#acknowledge('cancel', jobId);
    if (!isParked(job) || isLanding(job)) return;
    const verified = job.manifest.verify === undefined || job.verify?.passed === true;
    if (!verified) return this.#decide(jobId, { kind: 'reject', reason: 'no' });
    if (typeof job.manifest['review-policy'] === 'object') await this.#decide(jobId, { kind: 'approve' });
    await this.#acknowledge('ship', jobId);
  }
}
