/** What the owner of a machine says of its engines, in the factory's configuration file. */
import { z } from 'zod';

/** An engine that says nothing for so long is ended (s). A build inside of an agent's own tool takes up to ten minutes. */
const DEFAULT_STALL_SECONDS = 900;

/** A variable by its whole name: a pattern would let through what nobody thought of. */
export const VariableSchema = z.string().regex(/^[A-Za-z_]\w*$/, 'expected the name of a variable');

export const EngineSettingsSchema = z.strictObject({
  /** The program, where it is not found on the PATH by its own name. */
  program: z.string().min(1).optional(),
  /** As the engine names it; its own default where absent. */
  model: z.string().min(1).optional(),
  /** More arguments: a provider of your own, a profile. */
  args: z.array(z.string()).default([]),
  /** More environment: addresses and switches. Secrets belong into the factory's own environment. */
  env: z.record(z.string(), z.string()).default({}),
  /** Names of further variables of the machine that this engine sees: GH_TOKEN, AWS_PROFILE. No other run does. */
  pass: z.array(VariableSchema).max(100).default([]),
  /** Logged in by a way that leaves no trace that the factory looks for, such as a key ring. */
  loggedIn: z.boolean().optional(),
  /** Seconds without a sign of life after which it is ended. */
  stallSeconds: z.number().positive().default(DEFAULT_STALL_SECONDS),
});
export type EngineSettings = z.output<typeof EngineSettingsSchema>;

export const DEFAULT_ENGINE_SETTINGS: EngineSettings = EngineSettingsSchema.parse({});
