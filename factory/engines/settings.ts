/** What the owner of a machine says of its engines, in the factory's configuration file. */
import { z } from 'zod';

/** An engine that says nothing for so long is ended (s). A build inside of an agent's own tool takes up to ten minutes. */
const DEFAULT_STALL_SECONDS = 900;

export const EngineSettingsSchema = z.strictObject({
  /** The program, where it is not found on the PATH by its own name. */
  program: z.string().min(1).optional(),
  /** As the engine names it; its own default where absent. */
  model: z.string().min(1).optional(),
  /** More arguments: a provider of your own, a profile. */
  args: z.array(z.string()).default([]),
  /** More environment: addresses and switches. Secrets belong into the factory's own environment. */
  env: z.record(z.string(), z.string()).default({}),
  /** Logged in by a way that leaves no trace that the factory looks for, such as a key ring. */
  loggedIn: z.boolean().optional(),
  /** Seconds without a sign of life after which it is ended. */
  stallSeconds: z.number().positive().default(DEFAULT_STALL_SECONDS),
});
export type EngineSettings = z.output<typeof EngineSettingsSchema>;

export const DEFAULT_ENGINE_SETTINGS: EngineSettings = EngineSettingsSchema.parse({});
