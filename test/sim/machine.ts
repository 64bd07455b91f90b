// A machine of the fleet: what it keeps over the lives of its processes, and how a process of it becomes a member.
import { keepFresh, byOwnClock, type Identity } from '../../factory/identity.js';
import type { Logger } from '../../factory/log.js';
import type { Pace } from '../../factory/pace.js';
import type { FactoryCaller } from '../../functions/operations/caller.js';
import type { Deps } from '../../functions/operations/deps.js';
import { enrolFactory } from '../../functions/operations/enrolFactory.js';
import { rotateToken } from '../../functions/operations/factoryTokens.js';
import type { FactoryDescriptor } from '../../shared/contract/fleet.js';
import { AppError } from '../../shared/errors.js';
import type { Hosts } from './hosts.js';
import type { Members } from './members.js';
import type { Random } from './random.js';
import type { SimTime } from './time.js';
import type { SimTokens } from './tokens.js';
import type { Weather } from './weather.js';

const HOUR_MS = 3_600_000;
/** By how much clocks of machines are off (ms): an hour, or since the battery was empty. */
const SKEWS_MS = [-HOUR_MS, HOUR_MS, -90 * 24 * HOUR_MS, 90 * 24 * HOUR_MS];
/** A supervisor starts a process again, or somebody tries once more, after up to so long (ms). */
const AGAIN_MS = 30_000;

type Operate<T> = (deps: Deps, caller: FactoryCaller) => Promise<T>;

/** A factory as its process knows itself. */
export interface Member {
  readonly id: string;
  readonly pools: readonly string[];
  /** One request to the control plane in its name. */
  call<T>(operate: Operate<T>): Promise<T>;
}

export interface MachineWorld {
  readonly time: SimTime;
  readonly random: Random;
  readonly weather: Weather;
  readonly hosts: Hosts;
  readonly tokens: SimTokens;
  readonly members: Members;
  /** Those that work is routed to; in the others it would only wait. */
  readonly pools: ReadonlySet<string>;
  /** A person makes a one-time token. */
  readonly invite: () => Promise<string>;
}

/** What a machine asks of the process that runs on it. */
export interface Process {
  readonly pace: Pace;
  readonly logger: Logger;
  readonly draining: AbortSignal;
  goesOn(): Promise<void>;
  /** It dies here and now. */
  crash(): void;
  /** Its token is worth nothing any more. */
  onRefused(): void;
}

/** One that holds tokens: enrolled by a one-time token, which it trades in, and from then on by what is on its disk. */
export class Machine {
  readonly name: string;
  /** Who it is at the moment. */
  identity: Identity | undefined;
  readonly #descriptor: FactoryDescriptor;
  readonly #world: MachineWorld;
  readonly #skewMs: number;

  constructor(descriptor: FactoryDescriptor, world: MachineWorld) {
    this.name = descriptor.name;
    this.#descriptor = descriptor;
    this.#world = world;
    this.#skewMs = world.weather.has('clockSkew') ? world.random.pick(SKEWS_MS) : 0;
    if (this.#skewMs !== 0) world.weather.note('clockSkew', this.name);
  }

  #now(): number {
    return this.#world.time.now + this.#skewMs;
  }

  /** The order of factory/agent.ts: the identity on disk, or a new one for a one-time token. */
  async join(process: Process): Promise<Member> {
    this.identity ??= await this.#enrol(process);
    let { token } = this.identity;
    const { id, pools: all } = this.#world.tokens.callerOf(token);
    const pools = all.filter((pool) => this.#world.pools.has(pool));
    const call = async <T>(operate: Operate<T>): Promise<T> => {
      const caller = this.#world.tokens.callerOf(token);
      try {
        return await this.#world.hosts.callAs(this.name, caller, operate);
      } catch (error) {
        if (error instanceof AppError && error.code === 'unauthenticated') {
          this.#world.members.refused(caller);
          this.identity = undefined;
          process.onRefused();
        }
        throw error;
      }
    };
    void keepFresh(
      {
        fleet: { rotateToken: () => call((deps, caller) => rotateToken(deps, caller)) },
        identity: this.identity,
        keep: (fresh) => this.#keep(fresh, process),
        become: (fresh) => {
          token = fresh.token;
        },
        logger: process.logger,
        pace: process.pace,
        now: () => this.#now(),
      },
      process.draining,
    );
    return { id, pools, call };
  }

  async #keep(fresh: Identity, process: Process): Promise<Identity> {
    if (this.#world.weather.strikes('tokenNotKept', 0.1)) process.crash();
    await process.goesOn();
    this.identity = fresh;
    return fresh;
  }

  async #enrol(process: Process): Promise<Identity> {
    const { hosts, invite, time, random } = this.#world;
    let enrolmentToken = await invite();
    for (;;) {
      await process.goesOn();
      const body = { enrolmentToken, descriptor: this.#descriptor };
      try {
        const enrolled = await hosts.call(this.name, (deps) =>
          enrolFactory(deps, { kind: 'anonymous' }, { body }),
        );
        await process.goesOn();
        return { ...byOwnClock(enrolled, this.#now()), apiUrl: 'simulation', descriptor: this.#descriptor };
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        await time.sleep(random.between(0, AGAIN_MS));
        // It was used: the first answer got lost.
        if (error.code === 'unauthenticated') enrolmentToken = await invite();
      }
    }
  }
}

/** Somebody who copied tokens and comes with them later, when they have been replaced or their factory is out. */
export function startThief(
  machines: readonly Machine[],
  { time, random, hosts, tokens, weather }: MachineWorld,
  ask: Operate<unknown>,
): void {
  const steal = (): void => {
    const copies = machines.flatMap(({ identity }) => (identity ? [identity.token] : []));
    if (copies.length > 0) {
      const token = random.pick(copies);
      time.after(random.between(0, 20 * 60_000), () => {
        void hosts.callAs('thief', tokens.callerOf(token), ask).catch((error: unknown) => {
          if (!(error instanceof AppError)) throw error;
        });
      });
    }
    if (!weather.isCalm) time.after(random.between(0, 6 * 60_000), steal);
  };
  time.after(random.between(0, 6 * 60_000), steal);
}

/** One that the fleet knows already, in runs that are about something else. */
export const memberOf = (hosts: Hosts, caller: FactoryCaller): Member => ({
  id: caller.id,
  pools: caller.pools,
  call: (operate) => hosts.call(caller.id, (deps) => operate(deps, caller)),
});
