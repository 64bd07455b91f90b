/** Reads a profile: YAML front matter above the persona, or JSON with a field `persona`. */
import { ProfileSpecSchema, type ProfileSpec } from '../contract/profile.js';
import type { Problem } from '../errors.js';
import { problemsOf, type Vocabulary } from './problems.js';
import { readSource, unlocated, type Source } from './source.js';

export type ProfileResult = { kind: 'ok'; spec: ProfileSpec } | { kind: 'invalid'; problems: Problem[] };

const PROFILE: Vocabulary = { schema: ProfileSpecSchema, name: 'the profile' };

/** The text of a file. Its problems have lines and columns. */
export function parseProfile(text: string): ProfileResult {
  const read = readSource(text);
  return read.kind === 'ok' ? validate(read.source) : read;
}

/** A value that was parsed before. */
export const validateProfile = (value: unknown): ProfileResult => validate(unlocated(value));

function validate(source: Source): ProfileResult {
  const value = withPersona(source.value);
  const parsed = ProfileSpecSchema.safeParse(value);
  if (parsed.success) return { kind: 'ok', spec: parsed.data };
  return { kind: 'invalid', problems: problemsOf(parsed.error.issues, { ...source, value }, PROFILE) };
}

/** What stands below the front matter is the persona. */
function withPersona(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('body' in value)) return value;
  const { body, ...fields } = value;
  return 'persona' in fields || body === '' ? fields : { ...fields, persona: body };
}
