/** The profiles that the fleet begins with: one file each in shared/profiles/. The database has them from their first use. */
import { readFileSync, readdirSync } from 'node:fs';
import type { ProfileSpec } from '../contract/profile.js';
import { parseProfile } from './profileText.js';

const FOLDER = new URL('../profiles/', import.meta.url);

let read: ReadonlyMap<string, ProfileSpec> | undefined;

/** By name. @throws Error naming the file that is no profile */
export function catalogue(): ReadonlyMap<string, ProfileSpec> {
  read ??= new Map(
    readdirSync(FOLDER)
      .filter((file) => file.endsWith('.md'))
      .toSorted()
      .map((file) => [file.slice(0, -'.md'.length), specIn(file)]),
  );
  return read;
}

function specIn(file: string): ProfileSpec {
  const parsed = parseProfile(readFileSync(new URL(file, FOLDER), 'utf8'));
  if (parsed.kind === 'ok') return parsed.spec;
  throw new Error(
    `shared/profiles/${file}: ${parsed.problems.map(({ path, message }) => `${path}: ${message}`).join('; ')}`,
  );
}
