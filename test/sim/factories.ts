// Factories: the product's own stations, claims, leases, reports and waiting on pools, in virtual time and with
// processes that die, stand still and come back. Only the work itself is a model: a time and a result.
import { setMaxListeners } from 'node:events';
import { Claims } from '../../factory/transports/claims.js';
import { waitOnPool } from '../../factory/transports/bus.js';
import { Stations } from '../../factory/stations.js';
import type { Coordinator } from '../../factory/coordinator.js';
import type { Logger } from '../../factory/log.js';
import type { Pace } from '../../factory/pace.js';
import { claimJobs } from '../../functions/operations/claimJobs.js';
import { renewLease } from '../../functions/operations/renewLease.js';
import { reportRun } from '../../functions/operations/reportRun.js';
import { RunReportSchema, type Claim, type RunReport } from '../../shared/contract/api.js';
import { AppError } from '../../shared/errors.js';
import type { BusPeer, SimBus } from './bus.js';
import type { HistoryEntry } from './history.js';
import type { Machine, Member, Process } from './machine.js';
import type { Random } from './random.js';
import { SimRun } from './runs.js';
import { never, type SimTime } from './time.js';
import type { Watch } from './watch.js';
import type { Weather } from './weather.js';

/** Of the answers of the control plane, those over which a factory stands still. */
const PAUSES_AFTER = 0.003;
const MINUTE_MS = 60_000;
/** Somebody lets a machine in again that was thrown out, after up to so long (ms). */
const BACK_MS = 15 * MINUTE_MS;

/** What may befall a process by itself. */
interface Fate {
  /** Lets it stand still for a while. */
  readonly pause: () => void;
  readonly crash: () => void;
  /** It goes in order, and comes back when it is let in again. */
  readonly leave: () => void;
}

export interface FactoryWorld {
  readonly time: SimTime;
  readonly random: Random;
  readonly weather: Weather;
  readonly bus: SimBus;
  readonly history: HistoryEntry[];
  readonly watch: Watch;
  readonly tell: (line: () => string) => void;
  /** Time between two misfortunes of a kind on average (ms). */
  readonly faultEveryMs: number;
  /** How long a build takes on average (ms). */
  readonly buildMs: number;
}

export class SimFactory {
  readonly name: string;
  readonly stations: number;
  readonly #home: Member | Machine;
  readonly #world: FactoryWorld;
  #life: Life | undefined;

  /** @param home a machine that has yet to join, or a member of the fleet */
  constructor(name: string, home: Member | Machine, stations: number, world: FactoryWorld) {
    this.name = name;
    this.#home = home;
    this.stations = stations;
    this.#world = world;
  }

  start(): void {
    this.#live();
    this.#misfortune('factoryCrash', () => this.#crash());
    this.#misfortune('factoryPause', () => this.#pause());
    this.#misfortune('factoryDrain', () => this.#drain());
  }

  cutOff(): void {
    if (this.#life) this.#world.bus.cut(this.#life, 'cut');
  }

  #misfortune(kind: 'factoryCrash' | 'factoryPause' | 'factoryDrain', strike: () => void): void {
    const { time, random, weather, faultEveryMs } = this.#world;
    if (!weather.has(kind)) return;
    time.after(random.between(0, 2 * faultEveryMs), () => {
      if (weather.isCalm) return;
      if (this.#life && !this.#life.isDead && !this.#life.isPaused) {
        weather.note(kind, this.name);
        strike();
      }
      this.#misfortune(kind, strike);
    });
  }

  #crash(): void {
    const { time, random, bus } = this.#world;
    const life = this.#life;
    if (!life) return;
    life.isDead = true;
    bus.cut(life, 'died');
    time.after(random.between(1000, 300_000), () => this.#rise());
  }

  #pause(): void {
    const { time, random } = this.#world;
    const life = this.#life;
    if (!life) return;
    life.isPaused = true;
    time.after(random.pick([1000, 20_000, 120_000, 600_000]) * random.next(), () => life.goOn());
  }

  #drain(awayMs = 0): void {
    const { time, random, bus } = this.#world;
    const life = this.#life;
    if (!life) return;
    life.drain();
    time.after(random.between(5000, 60_000), () => {
      life.isDead = true;
      bus.cut(life, 'died');
      if (awayMs > 0) time.after(awayMs, () => this.#rise());
      else this.#rise();
    });
  }

  #rise(): void {
    if (this.#life && !this.#life.isDead) return;
    this.#live();
  }

  #live(): void {
    const life = new Life(this.name, this.#home, this.stations, this.#world, {
      pause: () => this.#pause(),
      crash: () => this.#crash(),
      leave: () => this.#drain(this.#world.random.between(MINUTE_MS, BACK_MS)),
    });
    this.#life = life;
    life.start();
  }
}

/** One process of a factory, from its start to its end. */
class Life implements BusPeer, Process {
  readonly name: string;
  isDead = false;
  isPaused = false;
  readonly pace: Pace;
  readonly logger: Logger;
  readonly #home: Member | Machine;
  #member: Member | undefined;
  readonly #stations: Stations;
  readonly #world: FactoryWorld;
  readonly #fate: Fate;
  readonly #draining = new AbortController();
  readonly #waiting: (() => void)[] = [];
  readonly #coordinator: Pick<Coordinator, 'claimJobs' | 'renewLease' | 'reportRun'>;
  readonly #claims: Claims;
  /** Jobs whose runs end when they have finished, as nothing is verified. */
  readonly #unverified = new Set<string>();

  constructor(name: string, home: Member | Machine, stations: number, world: FactoryWorld, fate: Fate) {
    const { time, random, weather, tell } = world;
    this.#fate = fate;
    this.#home = home;
    this.name = name;
    // One listener a run and a pool, as in factory/agent.ts.
    setMaxListeners(0, this.#draining.signal);
    this.#world = world;
    const log =
      (level: string) =>
      (message: string, facts?: object): void =>
        tell(() => `${name} ${level} ${message} ${facts ? JSON.stringify(facts) : ''}`);
    this.logger = { info: log('info'), warn: log('warn'), error: log('error') };
    this.#stations = new Stations(stations);
    // Quartz is off by a hundred-thousandth; a hundredth is far worse than any machine that still works.
    if (weather.has('clockSkew')) weather.note('clockSkew', name);
    const rate = weather.has('clockSkew') ? random.between(0.99, 1.01) : 1;
    this.pace = {
      now: () => (time.now - time.startedAt) * rate,
      random: () => random.next(),
      pause: async (ms, signal) => {
        await this.#rest(ms / rate, signal);
        await this.goesOn();
      },
    };
    this.#coordinator = this.#callsOn();
    this.#claims = new Claims({
      coordinator: this.#coordinator,
      stations: this.#stations,
      warm: () => [],
      work: (claim) => this.#work(claim),
      closed: this.#draining.signal,
      pace: this.pace,
    });
  }

  start(): void {
    const home = this.#home;
    if ('join' in home) void home.join(this).then((member) => this.#begin(member));
    else this.#begin(home);
  }

  #begin(member: Member): void {
    this.#member = member;
    const { logger, pace } = this;
    const tickets = this.#world.bus.ticketsFor(this);
    const [pool] = member.pools;
    // As a factory does that finds its old identity: asks, and so tells that it is back.
    if (pool !== undefined) void this.#claims.claim(pool).catch(() => {});
    for (const name of member.pools)
      void waitOnPool(
        { pool: name, tickets, claims: this.#claims, stations: this.#stations, logger, pace },
        this.#draining.signal,
      );
  }

  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  drain(): void {
    this.#draining.abort();
  }

  crash(): void {
    if (!this.isDead) this.#fate.crash();
  }

  onRefused(): void {
    if (!this.isDead && !this.#draining.signal.aborted) this.#fate.leave();
  }

  goOn(): void {
    this.isPaused = false;
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async goesOn(): Promise<void> {
    while (this.isPaused) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.isDead) await never();
  }

  #rest(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const { clock } = this.#world.time;
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const onAbort = (): void => {
        cancel();
        resolve();
      };
      const cancel = clock.schedule(clock.now() + Math.max(0, ms), () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** The API as this process reaches it, with a record of what it was answered. */
  #callsOn(): Pick<Coordinator, 'claimJobs' | 'renewLease' | 'reportRun'> {
    const { history, time, watch, weather } = this.#world;
    // Nothing is called before it is a member.
    const member = (): Member => this.#member as Member;
    const noted = async <T>(
      op: HistoryEntry['op'] | undefined,
      of: { jobId: string; epoch: number },
      act: () => Promise<T>,
      isRelease = false,
    ): Promise<T> => {
      await this.goesOn();
      const invokedAt = time.now;
      const entry = (result: HistoryEntry['result'], returnedAt = time.now): void => {
        if (op) history.push({ actor: member().id, op, ...of, invokedAt, returnedAt, result });
      };
      try {
        const answer = await act();
        // Giving back what was given back in its name is the same report again, and changes nothing.
        if (!(isRelease && watch.losses.get(of.jobId)?.epoch === of.epoch)) entry('ok');
        // The most harm is done between an answer and what follows from it.
        if (!this.isPaused && weather.strikes('factoryPause', PAUSES_AFTER)) this.#fate.pause();
        await this.goesOn();
        return answer;
      } catch (error) {
        const isStale = error instanceof AppError && error.code === 'stale-epoch';
        if (isStale) entry('stale');
        else entry('unknown', Infinity);
        await this.goesOn();
        throw error;
      }
    };
    return {
      claimJobs: async ({ body }) => {
        await this.goesOn();
        const invokedAt = time.now;
        const asked = { ...body, warm: [...(body.warm ?? [])] };
        const answer = await member().call((deps, caller) => claimJobs(deps, caller, { body: asked }));
        for (const { job, run } of answer.claims) {
          if (job.manifest.verify === undefined) this.#unverified.add(job.jobId);
          history.push({
            actor: member().id,
            op: 'claim',
            jobId: job.jobId,
            epoch: run.epoch,
            invokedAt,
            returnedAt: time.now,
            result: 'ok',
          });
        }
        await this.goesOn();
        return answer;
      },
      renewLease: ({ params, body }) =>
        noted('renew', params, () =>
          member().call((deps, caller) => renewLease(deps, caller, { params, body })),
        ),
      reportRun: ({ params, body }) =>
        noted(
          this.#endsRun(params.jobId, body) ? 'complete' : undefined,
          params,
          () =>
            member().call((deps, caller) =>
              reportRun(deps, caller, { params, body: RunReportSchema.parse(body) }),
            ),
          body.kind === 'released',
        ),
    };
  }

  #endsRun(jobId: string, { kind }: Pick<RunReport, 'kind'>): boolean {
    return kind === 'finished' ? this.#unverified.has(jobId) : kind !== 'started';
  }

  async #work(claim: Claim): Promise<void> {
    // The seat is taken when this returns for the first time.
    if (this.#stations.running >= this.#stations.capacity)
      this.#world.watch.violate(
        'a seat is taken once',
        `${this.name} works on more than it has stations for`,
      );
    await new SimRun(claim, {
      ...this.#world,
      coordinator: this.#coordinator,
      pace: this.pace,
      draining: this.#draining.signal,
      running: () => this.#stations.running,
      drain: () => this.drain(),
    }).execute();
  }
}
