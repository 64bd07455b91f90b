// The function app: instances that die and come back, what they serve over HTTP, their timers and their feeds.
import { workOnBatch } from '../../functions/lib/feedBatch.js';
import { FEEDS, type FeedName, type FeedOperation } from '../../functions/operations/feeds.js';
import { auditSeal } from '../../functions/operations/auditSeal.js';
import type { FactoryCaller } from '../../functions/operations/caller.js';
import type { Deps } from '../../functions/operations/deps.js';
import { Standing } from '../../functions/operations/factoryTokens.js';
import { createLogBell } from '../../functions/operations/logBell.js';
import { preempt } from '../../functions/operations/preempt.js';
import { reapLeases, reapOrphans } from '../../functions/operations/reapLeases.js';
import { sweepComposites } from '../../functions/operations/tendChildren.js';
import { sweepTickets } from '../../functions/operations/sweepTickets.js';
import type { JsonObject } from '../../local/cosmos/json.js';
import { isCloudError } from '../../shared/cloud/errors.js';
import { AppError } from '../../shared/errors.js';
import { JOBS } from '../../shared/topology.js';
import { memoryBlobs } from './blobs.js';
import type { SimBus } from './bus.js';
import type { Random } from './random.js';
import type { SimStore, StoreUser } from './store.js';
import { never, type SimTime } from './time.js';
import type { SimTokens } from './tokens.js';
import { TRACKER_SECRETS } from './tracker.js';
import type { Weather } from './weather.js';

/** Most pauses of a host are short (ms), some outlast a lease, and none comes before it has come to itself (ms). */
const SHORT_PAUSE_MS = 20_000;
const LONG_PAUSES = 0.15;
const MAX_LEASES = 3;
const BETWEEN_PAUSES_MS = 60_000;
/** Dying and standing still do the most harm right after a write that others go by: so many times likelier. */
const AFTER_COMMIT = 8;
/** Of the requests of a factory that is cut off, those which something on the way keeps until it is not any more. */
const KEPT_SHARE = 0.5;
/** A client of the control plane gives up after so long (ms). */
const TIMEOUT_MS = 20_000;
/** The clocks of two hosts differ by less than this (ms); cloud machines keep theirs far closer. */
export const MAX_SKEW_MS = 500;
/** Any will do: what it seals is checked elsewhere. */
const AUDIT_SEAL = auditSeal(Buffer.alloc(32, 7));
const MINUTE_MS = 60_000;
const FEED_RETRY_MS = 5000;
const FEED_POLL_MS = 5000;
/** At once, while whoever made the change is still at work; or when its time comes. */
const FEED_WAITS_MS = [20, 20, FEED_POLL_MS];
/** Of the turns in which a timer should find nothing, one in so many is taken. */
const IDLE_TURNS = 8;

/** What the timers run, as in functions/timer. */
export type TimerName = 'reapLeases' | 'sweepTickets';
const TIMERS: readonly { name: TimerName; everyMs: number; run: (deps: Deps) => Promise<void> }[] = [
  {
    name: 'reapLeases',
    everyMs: 5000,
    run: async (deps) => {
      await reapLeases(deps, 5);
    },
  },
  {
    name: 'sweepTickets',
    everyMs: 30_000,
    run: async (deps) => {
      await sweepTickets(deps);
      await reapOrphans(deps);
      await sweepComposites(deps);
      await preempt(deps);
    },
  },
];

type Operate<T> = (deps: Deps, standing: Standing) => Promise<T>;

/** What hears the event log, as in functions/feed. */
const FOLLOWERS: readonly Follower[] = (Object.keys(FEEDS) as FeedName[]).map((name) => ({
  name,
  operate: FEEDS[name],
}));

interface Follower {
  readonly name: string;
  readonly operate: FeedOperation;
}

export interface HostWorld {
  readonly time: SimTime;
  readonly random: Random;
  readonly weather: Weather;
  readonly store: SimStore;
  readonly bus: SimBus;
  readonly leaseSeconds: number;
  readonly preemption: boolean;
  readonly sessionTicketsPerSecond: number;
  readonly tokens: SimTokens;
  /** An instance let a factory through by its token. */
  readonly onAdmitted: (caller: FactoryCaller) => void;
  readonly hasTracker: boolean;
  readonly tell: (line: () => string) => void;
  /** An operation failed in a way that its caller has no answer for. */
  readonly onDefect: (where: string, error: unknown) => void;
  /** Is there anything that a timer could find to do? While there is not, it takes no turn: idling costs nothing. */
  readonly hasWork: (timer: TimerName) => boolean;
  /** Could it find something right now? While nothing says so, it takes a turn now and then all the same. */
  readonly isDue: (timer: TimerName) => boolean;
}

/** One process of the function app. */
class Host implements StoreUser {
  readonly name: string;
  readonly deps: Deps;
  readonly standing = new Standing();
  readonly seen = new Map<string, number>();
  isDead = false;
  #pausedUntil = -Infinity;
  #committed = false;
  /** Rejects when it dies. */
  readonly death: Promise<never>;
  #die!: (error: Error) => void;
  readonly #world: HostWorld;
  readonly #onDeath: () => void;

  constructor(name: string, world: HostWorld, onDeath: () => void) {
    const { time, random, weather } = world;
    this.name = name;
    this.#world = world;
    this.#onDeath = onDeath;
    this.death = new Promise((_, reject) => {
      this.#die = reject;
    });
    this.death.catch(() => {});
    if (weather.has('clockSkew')) weather.note('clockSkew', name);
    const skewMs = weather.has('clockSkew') ? random.between(-MAX_SKEW_MS / 2, MAX_SKEW_MS / 2) : 0;
    this.deps = {
      documents: world.store.documentsFor(this),
      bus: world.bus.busFor(this),
      blobs: memoryBlobs(),
      clock: {
        now: () => time.iso(skewMs),
        sleep: async (ms) => {
          await time.sleep(ms);
          if (this.isDead) await never();
        },
      },
      chance: { random: () => random.next(), uuid: () => random.uuid() },
      log: (level, message, facts) =>
        world.tell(() => `${name} ${level} ${message} ${facts ? JSON.stringify(facts) : ''}`),
      factoryTokens: world.tokens,
      bell: createLogBell(),
      auditSeal: AUDIT_SEAL,
      settings: {
        leaseSeconds: world.leaseSeconds,
        preemption: world.preemption,
        sessionTicketsPerSecond: world.sessionTicketsPerSecond,
        version: 'simulation',
        secret: (setting) => TRACKER_SECRETS[setting],
      },
    };
  }

  mayDie(): number {
    const { weather, time, random } = this.#world;
    const times = this.#committed ? AFTER_COMMIT : 1;
    this.#committed = false;
    if (!this.isDead && weather.strikes('hostKill', 0.001 * times)) this.kill();
    if (time.now > this.#pausedUntil + BETWEEN_PAUSES_MS && weather.strikes('hostPause', 0.005 * times))
      this.#pausedUntil = time.now + random.between(1000, this.#longestPauseMs());
    return Math.max(0, this.#pausedUntil - time.now);
  }

  #longestPauseMs(): number {
    const { random, leaseSeconds } = this.#world;
    return random.chance(LONG_PAUSES) ? leaseSeconds * 1000 * MAX_LEASES : SHORT_PAUSE_MS;
  }

  hasCommitted(): void {
    this.#committed = true;
  }

  kill(): void {
    this.isDead = true;
    this.#world.tell(() => `${this.name} died`);
    this.#die(new AppError('unavailable', `${this.name} died`));
    this.#onDeath();
  }
}

export class Hosts {
  readonly #world: HostWorld;
  #hosts: Host[] = [];
  #made = 0;
  /** Calls of the feeds that wait for something to change. */
  readonly #feedWakers = new Set<() => void>();
  readonly #timerWakers = new Set<() => void>();

  constructor(world: HostWorld, count: number) {
    this.#world = world;
    for (let at = 0; at < count; at += 1) this.#begin();
    world.store.onWrite((container) => {
      if (container === JOBS) wakeAll(this.#feedWakers);
      wakeAll(this.#timerWakers);
    });
  }

  start(): void {
    for (const timer of TIMERS) void this.#tick(timer);
    for (const feed of FOLLOWERS)
      // Without a tracker there is nobody to be told.
      if (this.#world.hasTracker || feed.name !== 'echoToTracker')
        for (const { id } of this.#world.store.container(JOBS).ranges) void this.#follow(feed, id);
  }

  #begin(): void {
    const { time, random } = this.#world;
    this.#made += 1;
    const host = new Host(`host-${this.#made}`, this.#world, () => {
      this.#hosts = this.#hosts.filter((one) => one !== host);
      time.after(random.between(500, 30_000), () => this.#begin());
    });
    this.#hosts.push(host);
  }

  /** Some living host; waits for one. */
  async #living(): Promise<Host> {
    while (this.#hosts.length === 0) await this.#world.time.sleep(500);
    return this.#world.random.pick(this.#hosts);
  }

  /**
   * One request over HTTP, with all that can happen to it on its way.
   * @param from whom, as the weather knows them
   * @throws AppError as the caller would get it
   */
  async call<T>(from: string, operate: Operate<T>): Promise<T> {
    const { time, random, weather } = this.#world;
    await time.sleep(random.between(0.5, 20));
    const cutMs = weather.lastsFor('cutFromCoordinator', from);
    if (cutMs > 0) {
      if (random.chance(KEPT_SHARE)) this.#arrivesLate(cutMs + random.between(0, MINUTE_MS), operate);
      await time.sleep(random.between(0, TIMEOUT_MS));
      throw new AppError('unavailable', 'the control plane cannot be reached');
    }
    if (weather.strikes('lateRequest', 0.01)) {
      this.#arrivesLate(random.between(TIMEOUT_MS, 300_000), operate);
      await time.sleep(TIMEOUT_MS);
      throw new AppError('unavailable', 'the control plane did not answer');
    }
    const answer = await this.#serve(operate);
    await time.sleep(random.between(0.5, 20));
    if (weather.strikes('lostAnswer', 0.02) || weather.lasts('cutFromCoordinator', from))
      throw new AppError('unavailable', 'the connection was lost');
    return answer;
  }

  /** As `call`, of a factory with a token: as in functions/lib/route.ts the instance asks first whether it holds. */
  callAs<T>(
    from: string,
    caller: FactoryCaller,
    operate: (deps: Deps, caller: FactoryCaller) => Promise<T>,
  ): Promise<T> {
    return this.call(from, async (deps, standing) => {
      await standing.require(deps, caller);
      this.#world.onAdmitted(caller);
      return operate(deps, caller);
    });
  }

  /** Its sender does not hear of the answer. */
  #arrivesLate<T>(ms: number, operate: Operate<T>): void {
    this.#world.time.after(ms, () => void this.#serve(operate).catch(() => {}));
  }

  async #serve<T>(operate: Operate<T>): Promise<T> {
    const [host] = this.#hosts.length > 0 ? [this.#world.random.pick(this.#hosts)] : [];
    if (!host) throw new AppError('unavailable', 'no instance is there');
    try {
      return await Promise.race([operate(host.deps, host.standing), host.death]);
    } catch (error) {
      if (error instanceof AppError) throw error;
      if (isCloudError(error, 'unavailable', 'throttled'))
        throw new AppError('unavailable', error.message, { retryAfterSeconds: 2 }, { cause: error });
      this.#world.onDefect('an HTTP operation', error);
      throw new AppError('internal', String(error));
    }
  }

  /** What the platform hands to an instance: a message of a queue. */
  async work(what: string, operate: (deps: Deps) => Promise<void>): Promise<'done' | 'failed' | 'died'> {
    const host = await this.#living();
    try {
      await Promise.race([operate(host.deps), host.death]);
      return 'done';
    } catch (error) {
      if (host.isDead) return 'died';
      if (!isPassing(error)) this.#world.onDefect(what, error);
      return 'failed';
    }
  }

  async #tick({ name, everyMs, run }: (typeof TIMERS)[number]): Promise<void> {
    const { time, weather, random } = this.#world;
    for (let turn = 1; ; turn += 1) {
      if (!this.#world.hasWork(name)) {
        await new Promise<void>((resolve) => this.#timerWakers.add(resolve));
        continue;
      }
      await time.sleep(everyMs - (time.now % everyMs));
      if (turn % IDLE_TURNS !== 0 && !this.#world.isDue(name)) continue;
      const once = async (): Promise<void> => {
        const host = await this.#living();
        await Promise.race([run(host.deps), host.death]).catch((error: unknown) => {
          if (!host.isDead && !isPassing(error)) this.#world.onDefect(`the timer ${name}`, error);
        });
      };
      if (weather.strikes('reaperRace', 0.05)) void time.sleep(random.between(0, 50)).then(once);
      await once();
    }
  }

  /** The reader of one physical partition for one function. */
  async #follow(feed: Follower, rangeId: string): Promise<void> {
    const { time, random, weather, store } = this.#world;
    const container = store.container(JOBS);
    let checkpoint: string | undefined;
    let earlier: string | undefined;
    let host = await this.#living();
    for (;;) {
      const page = container.changes({ kind: 'range', id: rangeId }, { from: checkpoint, pageSize: 100 });
      if (page.documents.length === 0) {
        checkpoint = page.etag;
        await new Promise<void>((resolve) => this.#feedWakers.add(resolve));
        await time.sleep(random.between(0, random.pick(FEED_WAITS_MS)));
        continue;
      }
      if (weather.lasts('feedLag')) {
        await time.sleep(FEED_POLL_MS);
        continue;
      }
      if (host.isDead) {
        // Another instance takes the lease over when it has run out.
        await time.sleep(random.between(1000, 60_000));
        host = await this.#living();
        continue;
      }
      if (!(await this.#deliver(feed, host, page.documents))) continue;
      if (weather.strikes('feedDuplicate', 0.05)) continue;
      const again = weather.strikes('feedRepeat', 0.02);
      [earlier, checkpoint] = again ? [earlier, earlier] : [checkpoint, page.etag];
    }
  }

  /** Hands a batch over until it is taken; false when the host died over it. */
  async #deliver({ name, operate }: Follower, host: Host, page: readonly JsonObject[]): Promise<boolean> {
    const { time, random, weather, tell } = this.#world;
    const documents = weather.strikes('feedReorder', 0.1) ? mixed(page, random) : page;
    for (let tries = 0; ; tries += 1) {
      try {
        await Promise.race([workOnBatch(host.deps, { name, operate }, documents, tries), host.death]);
        return true;
      } catch (error) {
        if (host.isDead) return false;
        tell(() => `${host.name} ${name} fails and comes again: ${String(error)}`);
        await time.sleep(FEED_RETRY_MS);
        if (host.isDead) return false;
      }
    }
  }
}

function wakeAll(wakers: Set<() => void>): void {
  const all = [...wakers];
  wakers.clear();
  for (const wake of all) wake();
}

/** Of another order between jobs; that within a job is the platform's promise. */
function mixed(page: readonly JsonObject[], random: Random): JsonObject[] {
  const jobs = new Map<string, JsonObject[]>();
  for (const document of page) {
    const jobId = String(document['jobId'] as string);
    jobs.set(jobId, [...(jobs.get(jobId) ?? []), document]);
  }
  return random.shuffled([...jobs.values()]).flat();
}

/** What another try may mend. */
const isPassing = (error: unknown): boolean =>
  isCloudError(error, 'unavailable', 'throttled') ||
  (error instanceof AppError && (error.code === 'contended' || error.code === 'unavailable'));
