/** Terminal colours of a log line: the sixteen colours, bold, dim and underline. Everything else is dropped. */

export interface Segment {
  readonly text: string;
  /** Class names, empty for plain text. */
  readonly style: string;
}

const COLOURS = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;
const PLAIN = 0;
const BOLD = 1;
const DIM = 2;
const UNDERLINE = 4;
const NORMAL_WEIGHT = 22;
const NO_UNDERLINE = 24;
const DEFAULT_COLOUR = 39;

// CSI sequences (final byte m sets the style), OSC sequences such as links and titles, two-byte escapes.
// oxlint-disable-next-line no-control-regex -- the escape character is what it looks for
const ESCAPE = /\u001b(?:\[([\d;:]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\^_])/g;

interface Style {
  colour?: string;
  bold?: boolean;
  dim?: boolean;
  underline?: boolean;
}

function apply(style: Style, codes: readonly number[]): Style {
  let next = style;
  for (let index = 0; index < codes.length; index += 1) {
    const code = codes[index] ?? PLAIN;
    const base = code >= 90 ? code - 90 : code - 30;
    if (code === PLAIN) next = {};
    else if (code === BOLD) next = { ...next, bold: true };
    else if (code === DIM) next = { ...next, dim: true };
    else if (code === UNDERLINE) next = { ...next, underline: true };
    else if (code === NORMAL_WEIGHT) next = { ...next, bold: false, dim: false };
    else if (code === NO_UNDERLINE) next = { ...next, underline: false };
    else if (code === DEFAULT_COLOUR) next = { ...next, colour: '' };
    // 256 colours and true colour carry parameters of their own; they are read over.
    else if (code === 38 || code === 48) index += codes[index + 1] === 2 ? 4 : 2;
    else if (base >= 0 && base < COLOURS.length) next = { ...next, colour: `ansi-${COLOURS[base]}` };
  }
  return next;
}

function classes(style: Style): string {
  return [
    style.colour,
    style.bold && 'ansi-bold',
    style.dim && 'ansi-dim',
    style.underline && 'ansi-underline',
  ]
    .filter(Boolean)
    .join(' ');
}

/** Splits one line into runs of the same style. A style does not go on to the next line. */
export function parseAnsi(line: string): Segment[] {
  if (!line.includes('\u001b')) return [{ text: line, style: '' }];
  const segments: Segment[] = [];
  let style: Style = {};
  let from = 0;
  const push = (until: number): void => {
    if (until > from) segments.push({ text: line.slice(from, until), style: classes(style) });
  };
  for (const match of line.matchAll(ESCAPE)) {
    push(match.index);
    from = match.index + match[0].length;
    if (match[2] === 'm') style = apply(style, (match[1] ?? '').split(/[;:]/).map(Number));
  }
  push(line.length);
  return segments;
}

/** The line without its escapes: for searching and copying. */
export const plainText = (line: string): string => line.replaceAll(ESCAPE, '');
