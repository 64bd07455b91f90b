/**
 * `.gigafactory.yaml` in the root of a repository: how factories work on it. It is read from the base commit, never
 * from a change, and it can only narrow what the job and its profile allow.
 */
import { z } from 'zod';
import { PathPatternSchema } from './pathPattern.js';
import { ProfileNameSchema } from './profile.js';
import { line, text } from './plainText.js';

/** Where the settings stand, from the repository's root. */
export const REPO_SETTINGS_FILE = '.gigafactory.yaml';

const MAX_COMMANDS = 20;
const MAX_COMMAND_CHARS = 4000;
const MAX_PATTERNS = 200;
const MAX_PATTERN_CHARS = 300;

const command = text().min(1).max(MAX_COMMAND_CHARS);
const commands = z.array(command).max(MAX_COMMANDS).default([]);

const patterns = z.array(PathPatternSchema).max(MAX_PATTERNS).default([]);

/** A path below the root without wildcards. */
const folder = line()
  .min(1)
  .max(MAX_PATTERN_CHARS)
  .regex(
    /^(?![/\\])(?!(.*\/)?\.\.?(\/|$))(?!\.git(\/|$))[^\\*?[\]{}]+$/,
    'expected a folder such as node_modules',
  );

export const RepoSettingsSchema = z.strictObject({
  /** Shell commands that make a fresh checkout ready to work in, one after the other. */
  setup: commands,
  /** What of the setup is kept, and until when: the lock files' content is the key. */
  cache: z
    .strictObject({
      locks: z.array(line().min(1).max(MAX_PATTERN_CHARS)).min(1).max(MAX_COMMANDS),
      folders: z.array(folder).min(1).max(MAX_COMMANDS),
    })
    .optional(),
  /**
   * For jobs that name none: its persona, its check, and its scope as a further limit. Who may ship and push, and which
   * engine works, was decided before a factory could read this.
   */
  profile: ProfileNameSchema.optional(),
  /** For jobs that name none. */
  verify: command.optional(),
  /** What jobs may change; empty: everything. */
  scope: patterns,
  /** Packages that others build on: a change needs the profile `reviewer` and a second person. */
  shared: patterns,
  /** Checks of this repository beside those that are known by their names (tests, CI, this file). */
  gates: patterns,
  /** Shell commands around the engine; one that fails ends the run. */
  hooks: z
    .strictObject({ 'before-engine': commands, 'after-engine': commands })
    .default({ 'before-engine': [], 'after-engine': [] }),
});
export type RepoSettings = z.output<typeof RepoSettingsSchema>;
