/** Reads the text of a manifest into a plain value, and remembers where each part of it stands in the text. */
import { LineCounter } from 'yaml';
import { ManifestSchema } from '../contract/manifest.js';
import type { Problem } from '../errors.js';
import { readJsonText } from './json.js';
import type { Part } from './json.js';
import { readYamlText } from './yaml.js';

/** Far more than all fields with all their comments; the YAML parser takes time and memory by the square. */
const MAX_FRONT_MATTER_CHARS = 16 * 1024;

/** 1-based. */
export interface Position {
  line: number;
  column: number;
}

/** Where the value of a path stands, or its key; the nearest enclosing part for what is not there. */
export type Locate = (path: readonly PropertyKey[], part: 'key' | 'value') => Position | undefined;

export interface Source {
  value: unknown;
  locate: Locate;
}

/** A value that was parsed elsewhere: what is wrong with it has a path, and no line. */
export const unlocated = (value: unknown): Source => ({ value, locate: () => undefined });

export type SourceResult = { kind: 'ok'; source: Source } | { kind: 'invalid'; problems: Problem[] };

const FENCE = /^---[ \t]*$/;
const FIRST_KEY = /^([A-Za-z][\w-]*)\s*:/;

/** Front matter and body, JSON, or a body alone. Windows line ends become plain ones. */
export function readSource(text: string): SourceResult {
  const clean = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  const before = clean.split('\0', 1)[0] ?? '';
  if (before.length < clean.length) {
    const lines = before.split('\n');
    const at = { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
    return broken('there is a NUL character: this is no text', at, 'text in UTF-8');
  }
  const start = clean.trimStart();
  if (start.startsWith('{')) return readJson(clean);
  if (isJsonList(start))
    return broken('the manifest is a list', { line: 1, column: 1 }, 'one map of fields; a file for each job');
  return readMarkdown(clean);
}

/** A prompt may begin with a bracket (`[WIP] …`), but is no JSON then. */
function isJsonList(text: string): boolean {
  if (!text.startsWith('[')) return false;
  try {
    return Array.isArray(JSON.parse(text));
  } catch {
    return false;
  }
}

const broken = (message: string, at: Position, expected?: string): SourceResult => ({
  kind: 'invalid',
  problems: [{ path: '', message, ...(expected !== undefined && { expected }), ...at }],
});

function readMarkdown(text: string): SourceResult {
  const lines = text.split('\n');
  const open = lines.findIndex((line) => line.trim() !== '');
  const first = lines[open] ?? '';
  if (!FENCE.test(first)) {
    const key = FIRST_KEY.exec(first)?.[1];
    if (key !== undefined && Object.hasOwn(ManifestSchema.shape, key))
      return broken(
        `the text starts with the field ${key}, but not as front matter`,
        { line: open + 1, column: 1 },
        'a line --- above the fields and another one below them',
      );
    return { kind: 'ok', source: { value: { body: text }, locate: () => ({ line: 1, column: 1 }) } };
  }
  const close = lines.findIndex((line, at) => at > open && FENCE.test(line));
  if (close < 0)
    return broken(
      'the front matter is not closed',
      { line: open + 1, column: 1 },
      'a line --- below the fields',
    );
  const fields = readFields(lines.slice(open + 1, close).join('\n'), open + 1);
  if (fields.kind === 'invalid') return fields;
  const { value, locate } = fields.source;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return broken(
      'the front matter is not a map of fields',
      { line: open + 2, column: 1 },
      'lines such as engine: claude',
    );
  if (Object.hasOwn(value, 'body')) {
    const problem: Problem = {
      path: 'body',
      message: 'body stands in the front matter',
      expected: 'the prompt below the front matter',
      ...locate(['body'], 'key'),
    };
    return { kind: 'invalid', problems: [problem] };
  }
  const below = lines.slice(close + 1);
  const start = below.findIndex((line) => line.trim() !== '');
  const body = start < 0 ? '' : below.slice(start).join('\n');
  const bodyAt = { line: close + 2 + Math.max(0, start), column: 1 };
  return {
    kind: 'ok',
    source: {
      value: { ...value, body },
      locate: (path, part) => (path[0] === 'body' ? bodyAt : locate(path, part)),
    },
  };
}

/** @param above lines of the text above the front matter */
function readFields(front: string, above: number): SourceResult {
  if (front.length > MAX_FRONT_MATTER_CHARS)
    return broken(
      `the front matter has ${front.length} characters`,
      { line: above + 1, column: 1 },
      `at most ${MAX_FRONT_MATTER_CHARS}; the prompt goes below it`,
    );
  const read = readYamlText(front);
  const positionOf = positions(front, above);
  if (read.kind === 'invalid')
    return {
      kind: 'invalid',
      problems: read.complaints.map(({ offset, ...rest }) => ({ ...rest, ...positionOf(offset) })),
    };
  return {
    kind: 'ok',
    source: {
      value: read.value ?? {},
      locate: (path, part) => positionOf(read.offsetOf(path, part)),
    },
  };
}

function readJson(text: string): SourceResult {
  const read = readJsonText(text);
  const positionOf = positions(text, 0);
  if (read.kind === 'invalid') return broken(read.message, positionOf(read.offset), read.expected);
  return {
    kind: 'ok',
    source: {
      value: read.value,
      locate: (path, part) => positionOf(offsetIn(read.part, path, part)),
    },
  };
}

/** Follows a path as far as it goes. */
function offsetIn(root: Part, path: readonly PropertyKey[], part: 'key' | 'value'): number {
  let found = root;
  for (const [depth, step] of path.entries()) {
    const member = found.members.get(String(step));
    if (member === undefined) break;
    if (part === 'key' && depth === path.length - 1) return member.key;
    found = member.value;
  }
  return found.start;
}

/** From offsets to lines and columns; the lines are found once. */
function positions(text: string, above: number): (offset: number) => Position {
  const counter = new LineCounter();
  counter.addNewLine(0);
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) counter.addNewLine(at + 1);
  return (offset) => {
    const { line, col } = counter.linePos(offset);
    return { line: line + above, column: col };
  };
}
