/**
 * A JSON reader that knows where everything stands: JSON.parse forgets positions, and names them in some of its
 * messages only. Takes exactly what RFC 8259 allows, except for repeated names and for deep nesting.
 */

/** A manifest needs four levels; the reader recurses, so a hostile text must not choose the depth. */
const MAX_DEPTH = 32;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORDS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** A part of the text: where it starts, and its members' parts. Offsets are in UTF-16 units. */
export interface Part {
  start: number;
  /** By name or index; `key` is where the name starts. */
  members: Map<string, { key: number; value: Part }>;
}

export type JsonResult =
  | { kind: 'ok'; value: unknown; part: Part }
  | { kind: 'invalid'; offset: number; message: string; expected?: string };

class Malformed extends Error {
  readonly offset: number;
  readonly expected: string | undefined;

  constructor(offset: number, message: string, expected?: string) {
    super(message);
    this.offset = offset;
    this.expected = expected;
  }
}

export function readJsonText(text: string): JsonResult {
  const reader = new Reader(text);
  try {
    return { kind: 'ok', ...reader.document() };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const { offset, message, expected } = error;
    return { kind: 'invalid', offset, message, ...(expected !== undefined && { expected }) };
  }
}

interface Read {
  value: unknown;
  part: Part;
}

class Reader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  document(): Read {
    const read = this.value(0);
    this.blanks();
    if (this.at < this.text.length) this.fail('the end of the text');
    return read;
  }

  private value(depth: number): Read {
    this.blanks();
    if (depth > MAX_DEPTH) throw new Malformed(this.at, `the text is nested deeper than ${MAX_DEPTH} levels`);
    const start = this.at;
    const first = this.text[start];
    if (first === '{') return this.object(depth);
    if (first === '[') return this.array(depth);
    const members = new Map<string, { key: number; value: Part }>();
    if (first === '"') return { value: this.string(), part: { start, members } };
    for (const [word, value] of WORDS)
      if (this.text.startsWith(word, start)) {
        this.at += word.length;
        return { value, part: { start, members } };
      }
    NUMBER.lastIndex = start;
    const digits = NUMBER.exec(this.text)?.[0];
    if (digits === undefined) return this.fail('a value');
    this.at += digits.length;
    return { value: Number(digits), part: { start, members } };
  }

  private object(depth: number): Read {
    const part: Part = { start: this.at, members: new Map() };
    const entries: [string, unknown][] = [];
    this.at++;
    this.items('}', () => {
      this.blanks();
      const key = this.at;
      if (this.text[key] !== '"') this.fail('a name in double quotes');
      const name = this.string();
      if (part.members.has(name))
        throw new Malformed(key, `the field ${name.slice(0, 40)} stands here for the second time`);
      this.blanks();
      if (this.text[this.at] !== ':') this.fail('a colon');
      this.at++;
      const read = this.value(depth + 1);
      part.members.set(name, { key, value: read.part });
      entries.push([name, read.value]);
    });
    // fromEntries defines its properties, so that a field named __proto__ stays a field.
    return { value: Object.fromEntries(entries), part };
  }

  private array(depth: number): Read {
    const part: Part = { start: this.at, members: new Map() };
    const values: unknown[] = [];
    this.at++;
    this.items(']', () => {
      const read = this.value(depth + 1);
      part.members.set(String(values.length), { key: read.part.start, value: read.part });
      values.push(read.value);
    });
    return { value: values, part };
  }

  /** What stands between the brackets, separated by commas. */
  private items(close: string, item: () => void): void {
    this.blanks();
    if (this.text[this.at] === close) {
      this.at++;
      return;
    }
    for (;;) {
      item();
      this.blanks();
      const next = this.text[this.at];
      if (next !== ',' && next !== close) this.fail(`a comma or ${close}`);
      this.at++;
      if (next === close) return;
    }
  }

  private string(): string {
    const start = this.at;
    let end = start + 1;
    for (; end < this.text.length && this.text[end] !== '"'; end++) if (this.text[end] === '\\') end++;
    if (end >= this.text.length)
      throw new Malformed(start, 'a text in quotes is not closed', 'a double quote');
    this.at = end + 1;
    try {
      return String(JSON.parse(this.text.slice(start, this.at)));
    } catch {
      throw new Malformed(start, 'a text in quotes holds a raw line break, a tab, or an unknown escape');
    }
  }

  private blanks(): void {
    while (' \t\n\r'.includes(this.text[this.at] ?? 'x')) this.at++;
  }

  private fail(expected: string): never {
    const found = this.text[this.at];
    const message = found === undefined ? 'the text ends too early' : `unexpected ${JSON.stringify(found)}`;
    throw new Malformed(this.at, `not valid JSON: ${message}`, expected);
  }
}
