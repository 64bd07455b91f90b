/** Reads `.gigafactory.yaml`: every problem at once, with its line. */
import { LineCounter } from 'yaml';
import { RepoSettingsSchema } from '../contract/repoSettings.js';
import type { RepoSettings } from '../contract/repoSettings.js';
import type { Problem } from '../errors.js';
import { problemsOf, type Vocabulary } from './problems.js';
import type { Source } from './source.js';
import { readYamlText } from './yaml.js';

const REPO_SETTINGS: Vocabulary = { schema: RepoSettingsSchema, name: 'the file' };

/** Far more than all fields take. */
const MAX_CHARS = 64 * 1024;

export type RepoSettingsResult =
  | { readonly kind: 'ok'; readonly settings: RepoSettings }
  | { readonly kind: 'invalid'; readonly problems: Problem[] };

/** @param text the file; an empty one allows everything and asks for nothing */
export function parseRepoSettings(text: string): RepoSettingsResult {
  if (text.length > MAX_CHARS) {
    const message = `the file has ${text.length} characters`;
    return { kind: 'invalid', problems: [{ path: '', message, expected: `at most ${MAX_CHARS}` }] };
  }
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
  const place = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  const read = readYamlText(text);
  if (read.kind === 'invalid') {
    const problems = read.complaints.map(({ offset, ...rest }) => ({ ...rest, ...place(offset) }));
    return { kind: 'invalid', problems };
  }
  const parsed = RepoSettingsSchema.safeParse(read.value ?? {});
  if (parsed.success) return { kind: 'ok', settings: parsed.data };
  const source: Source = { value: read.value, locate: (path, part) => place(read.offsetOf(path, part)) };
  const problems = problemsOf(parsed.error.issues, source, REPO_SETTINGS);
  return {
    kind: 'invalid',
    problems: problems.toSorted((one, other) => (one.line ?? 0) - (other.line ?? 0)),
  };
}
