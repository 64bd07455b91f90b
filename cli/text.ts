// How things look in a terminal: colours where a person looks, widths, times and sizes.
import { stripVTControlCharacters } from 'node:util';
import type { Sink } from './io.js';

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
} as const;
export type Colour = keyof typeof CODES;
export type Paint = (colour: Colour, text: string) => string;

/** Colours only for a person who wants them (https://no-color.org). */
export function painter(sink: Sink, env: Readonly<Record<string, string | undefined>>): Paint {
  const on = sink.isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return (colour, text) => {
    const [start, end] = CODES[colour];
    return on ? `\u001B[${start}m${text}\u001B[${end}m` : text;
  };
}

// Titles and messages come from strangers: control characters could move the cursor or rename the window, and the
// marks that change the writing direction could show another text than the one that is there.
const CONTROL = /[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu;
const COLOUR = new RegExp(`${'\u001B'}\\[[\\d;]*m`, 'g');

/** Text of others, without anything that a terminal would obey but ends of lines and tabs. */
export const clean = (text: string): string => withoutControls(text, '\n\t');

/** The same for a log, whose colours are welcome, and its progress bars too. */
export function cleanLog(text: string): string {
  const colours = text.match(COLOUR) ?? [];
  const between = text.split(COLOUR);
  return between.map((part, at) => withoutControls(part, '\n\t\r') + (colours[at] ?? '')).join('');
}

const withoutControls = (text: string, keep: string): string =>
  stripVTControlCharacters(text).replaceAll(CONTROL, (character) =>
    keep.includes(character) ? character : '',
  );

/** One line of others' text. */
export const oneLine = (text: string): string => clean(text).replaceAll(/\s+/g, ' ').trim();

/** Cut to so many characters, with an ellipsis where something is missing. */
export const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1)).trimEnd()}…`;

const visibleLength = (text: string): number => stripVTControlCharacters(text).length;

/** Rows in columns, two blanks apart; the last column is cut at the right edge. */
export function table(rows: readonly (readonly string[])[], columns: number): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => visibleLength(row[at] ?? ''))));
  return rows
    .map((row) => {
      const start = row
        .slice(0, -1)
        .map((cell, at) => cell + ' '.repeat((widths[at] ?? 0) - visibleLength(cell) + 2))
        .join('');
      const last = row.at(-1) ?? '';
      const room = Math.max(10, columns - visibleLength(start));
      return `${start}${visibleLength(last) > room ? cut(stripVTControlCharacters(last), room) : last}`.trimEnd();
    })
    .join('\n');
}

/** `4 s`, `12 min`, `3 h`, `5 d`: one unit is enough to judge by. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** `45 min`, `1 h 30 min`, `90 s` is `1 min 30 s`: nothing is rounded. */
export function exactDuration(seconds: number): string {
  const parts: string[] = [];
  let rest = seconds;
  for (const [unit, length] of [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const) {
    const whole = Math.floor(rest / length);
    if (whole > 0) parts.push(`${whole} ${unit}`);
    rest -= whole * length;
  }
  return parts.join(' ') || '0 s';
}

/** `12 ms`, `3.4 s`, `2 min 5 s`: how long something took. */
export function took(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** The time of day where the person is. */
export const clockTime = (timestamp: string): string =>
  new Date(timestamp).toLocaleTimeString('en-GB', { hour12: false });

export const usd = (amount: number): string => `$${amount.toFixed(amount > 0 && amount < 0.01 ? 4 : 2)}`;
