/** Reads a profile: YAML front matter above the persona, or JSON with a field `persona`. */
import type { z } from 'zod';
import { ProfileSpecSchema, type ProfileSpec } from '../contract/profile.js';
import type { Problem } from '../errors.js';
import { nearestName } from './nearest.js';
import { readSource, type Source } from './source.js';

export type ProfileResult = { kind: 'ok'; spec: ProfileSpec } | { kind: 'invalid'; problems: Problem[] };

const FIELDS = Object.keys(ProfileSpecSchema.shape);

/** The text of a file. Its problems have lines and columns. */
export function parseProfile(text: string): ProfileResult {
  const read = readSource(text);
  return read.kind === 'ok' ? validate(read.source) : read;
}

/** A value that was parsed before. */
export const validateProfile = (value: unknown): ProfileResult =>
  validate({ value, locate: () => undefined });

function validate(source: Source): ProfileResult {
  const parsed = ProfileSpecSchema.safeParse(withPersona(source.value));
  if (parsed.success) return { kind: 'ok', spec: parsed.data };
  return { kind: 'invalid', problems: parsed.error.issues.flatMap((issue) => problemsOf(issue, source)) };
}

/** What stands below the front matter is the persona. */
function withPersona(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('body' in value)) return value;
  const { body, ...fields } = value;
  return 'persona' in fields || body === '' ? fields : { ...fields, persona: body };
}

function problemsOf(issue: z.core.$ZodIssue, source: Source): Problem[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => {
      const nearest = nearestName(key, FIELDS);
      return {
        path: [...issue.path, key].map(String).join('.'),
        message: `there is no field ${JSON.stringify(key)}`,
        expected: `one of ${FIELDS.join(', ')}`,
        ...(nearest !== undefined && { nearest }),
        ...source.locate([...issue.path, key], 'key'),
      };
    });
  return [
    { path: issue.path.map(String).join('.'), message: issue.message, ...source.locate(issue.path, 'value') },
  ];
}

/** A profile as a file: what `aq profile show --file` writes and `put` reads. */
export function profileText({ persona, ...fields }: ProfileSpec): string {
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    isDefault(name, value) ? [] : [`${name}: ${JSON.stringify(value)}`],
  );
  return `---\n${lines.join('\n')}\n---\n${persona.trim()}\n`;
}

/** JSON is YAML too; what equals its default need not be said. */
const isDefault = (name: string, value: unknown): boolean =>
  value === undefined ||
  (Array.isArray(value) && value.length === 0 && name !== 'allowed-scope') ||
  (name === 'push-policy' && value === 'branch') ||
  (name === 'produces' && value === 'change');
