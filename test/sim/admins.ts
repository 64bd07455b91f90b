// Admins of the fleet: they let machines in, and throw factories out.
import { createEnrolment } from '../../functions/operations/createEnrolment.js';
import { revokeFactory } from '../../functions/operations/factoryTokens.js';
import type { Members } from './members.js';
import { ADA, type People } from './people.js';
import type { Random } from './random.js';
import type { SimTime } from './time.js';
import type { Watch } from './watch.js';
import type { Weather } from './weather.js';

export interface AdminsWorld {
  readonly time: SimTime;
  readonly random: Random;
  readonly people: People;
  readonly watch: Watch;
  readonly weather: Weather;
  readonly members: Members;
}

export class Admins {
  readonly #world: AdminsWorld;

  constructor(world: AdminsWorld) {
    this.#world = world;
  }

  /** Throws so many factories out, within that time. */
  work(evictions: number, withinMs: number): void {
    const { time, random } = this.#world;
    for (let at = 0; at < evictions; at += 1)
      time.after(random.between(0, withinMs), () => void this.#throwOut());
  }

  /** A one-time token for a machine. */
  async invite(): Promise<string> {
    const body = { products: ['*'], expiresInSeconds: 900 };
    for (;;) {
      const made = await this.#world.people.ask('createEnrolment', (deps) =>
        createEnrolment(deps, ADA, { body }),
      );
      if (made) return made.enrolmentToken;
    }
  }

  /** Some factory that works, or any. */
  async #throwOut(): Promise<void> {
    const { random, time, people, watch, weather, members } = this.#world;
    const known = members.ids();
    if (weather.isCalm || known.length === 0) return;
    const busy = known.filter((id) => [...watch.leases.values()].some(({ holder }) => holder === id));
    const factoryId = random.pick(busy.length > 0 ? busy : known);
    const input = { params: { factoryId }, body: { reason: 'stolen' } };
    const askedAt = time.now;
    const answer = await people.ask('revoke', (deps) => revokeFactory(deps, ADA, input));
    if (answer) members.isOut(factoryId, askedAt);
  }
}
