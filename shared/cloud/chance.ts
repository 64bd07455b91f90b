import { randomUUID } from 'node:crypto';

/** Chance as the operations see it; the simulation brings its own, so that a run can be repeated. */
export interface Chance {
  /** From 0 up to 1. */
  random(): number;
  uuid(): string;
}

export const systemChance: Chance = { random: () => Math.random(), uuid: () => randomUUID() };
