/** Writes a profile as the file that is read back. Types alone are imported: the console's bundle carries no schemas. */
import type { ProfileSpec } from './profile.js';

/** Front matter above the persona: what `aq profile show --file` and the console's editor write, and `put` reads. */
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
