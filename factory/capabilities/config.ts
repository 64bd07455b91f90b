/** The factory's configuration file: what its owner knows better than probing. YAML; every field may be left out. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { SettingsError } from '../../shared/cloud/settings.js';
import { EngineSchema, type Engine } from '../../shared/contract/manifest.js';
import {
  DEFAULT_ENGINE_SETTINGS,
  EngineSettingsSchema,
  VariableSchema,
  type EngineSettings,
} from '../engines/settings.js';
import { reasonOf } from '../log.js';

/** In the factory's data folder, unless the command line names another file. */
const FILE = 'factory.yaml';

const TagSchema = z
  .string()
  .regex(
    /^[a-z][a-z0-9.+-]*(:[a-z0-9][a-z0-9._+-]*)?(@\d[\w.+-]*)?$/,
    'expected a tag such as has:figma or a tool such as node@22.1.0',
  );

const ConfigSchema = z.strictObject({
  /** Advertised without being looked for. */
  advertise: z.array(TagSchema).default([]),
  /** Not advertised although it is there; a tool with all of its tags by its name (`has:docker` hides `docker@27.1`). */
  hide: z.array(TagSchema).default([]),
  /** What the data folder may take: above it what was not used for longest goes. */
  diskGigabytes: z.number().positive().default(50),
  /** A feature branch stays after its change was merged. */
  keepMergedBranches: z.boolean().default(false),
  /** Feature branches whose last commit is so old are deleted, also of jobs that wait for a person; absent: never. */
  abandonedBranchDays: z.number().min(1).optional(),
  /** Between two checkpoints of a run while its engine works. */
  checkpointSeconds: z.number().min(10).max(86_400).default(600),
  /** Names of further variables of the machine that every run sees: its engine, setup, hooks and checks. */
  pass: z.array(VariableSchema).max(100).default([]),
  engines: z.partialRecord(EngineSchema, EngineSettingsSchema).default({}),
});
export type FactoryConfig = z.output<typeof ConfigSchema>;

export const NO_CONFIG: FactoryConfig = ConfigSchema.parse({});

/** What the owner says of an engine, or what holds where nothing is said. */
export const settingsOf = ({ engines }: FactoryConfig, name: Engine): EngineSettings =>
  engines[name] ?? DEFAULT_ENGINE_SETTINGS;

/**
 * Reads the file.
 * @param file the one that the command line names; it must be there
 * @throws SettingsError with every problem and its place
 */
export function readConfig(dataDir: string, file?: string): FactoryConfig {
  const at = path.resolve(file ?? path.join(dataDir, FILE));
  let source: string;
  try {
    source = readFileSync(at, 'utf8');
  } catch (error) {
    if (file === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return NO_CONFIG;
    throw new SettingsError(`${at} cannot be read: ${reasonOf(error)}`);
  }
  let value: unknown;
  try {
    value = parse(source);
  } catch (error) {
    throw new SettingsError(`${at} is no YAML: ${reasonOf(error)}`);
  }
  const result = ConfigSchema.safeParse(value ?? {});
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    (issue) => `  ${issue.path.join('.') || 'the file'}: ${issue.message}`,
  );
  throw new SettingsError(`${at} is not a factory's configuration:\n${problems.join('\n')}`);
}
