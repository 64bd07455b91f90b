/** Documents as a client sees them: what only the store needs (`id`, `type`) stays in it. */
import { JobEventSchema } from './event.js';
import { ProductSchema } from './fleet.js';
import { JobSchema, RunSchema } from './job.js';
import { ProfileSchema } from './profile.js';
import { SwitchAuditSchema } from './switches.js';
import type { z } from 'zod';

const OF_THE_STORE = { id: true, type: true } as const;

export const JobViewSchema = JobSchema.omit(OF_THE_STORE);
export type JobView = z.infer<typeof JobViewSchema>;

/** Named by its job and its epoch. */
export const RunViewSchema = RunSchema.omit(OF_THE_STORE);
export type RunView = z.infer<typeof RunViewSchema>;

/** Its hash is of the stored event, which has the id `event:` + `seq` in eight digits and the type `event`. */
export const JobEventViewSchema = JobEventSchema.omit(OF_THE_STORE);
export type JobEventView = z.infer<typeof JobEventViewSchema>;

export const ProductViewSchema = ProductSchema.omit(OF_THE_STORE);
export type ProductView = z.infer<typeof ProductViewSchema>;

export const ProfileViewSchema = ProfileSchema.omit(OF_THE_STORE);
export type ProfileView = z.infer<typeof ProfileViewSchema>;

export const SwitchRecordViewSchema = SwitchAuditSchema.omit({ ...OF_THE_STORE, productId: true });
export type SwitchRecordView = z.infer<typeof SwitchRecordViewSchema>;

/** Every document of the store has these, and nothing else that the API tells does. */
const isStored = (value: object): boolean =>
  ['id', 'type', 'productId'].every((field) => typeof (value as Record<string, unknown>)[field] === 'string');

/** An answer as it leaves the API: each stored document in it, at any depth, as its view. No route can forget it. */
export function viewOf(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(viewOf);
  if (typeof answer !== 'object' || answer === null) return answer;
  if (isStored(answer)) {
    const { id: _id, type: _type, ...view } = answer as Record<string, unknown>;
    return view;
  }
  return Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, viewOf(value)]));
}
