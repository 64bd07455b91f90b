/**
 * The lines of a live log. Immutable, in blocks: appending touches the last block only, so that the page renders
 * one block again and not the whole log.
 */
import { plainText } from './ansi.js';

/** One block is one element with `content-visibility: auto`: small enough to lay out in a frame. */
export const LINES_PER_BLOCK = 200;
/** About 20 MB of a browser's memory at 100 characters a line; older blocks go, and the page says so. */
export const MAX_LINES = 100_000;

export interface LogBlock {
  /** Number of its first line, from 0, counted from the beginning of the log. */
  readonly first: number;
  readonly lines: readonly string[];
}

export interface LogBuffer {
  readonly blocks: readonly LogBlock[];
  /** Lines so far, those dropped at the front included. */
  readonly total: number;
  readonly dropped: number;
  /** The last line is not ended yet: what comes next continues it. */
  readonly open: boolean;
}

/** The first line of the block that a line is in. */
export const blockOf = (line: number): number => line - (line % LINES_PER_BLOCK);

export const EMPTY_LOG: LogBuffer = { blocks: [], total: 0, dropped: 0, open: false };

/** A carriage return goes back to the start of the line, as progress bars do: what comes after overwrites it. */
function overwrite(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  return text.slice(text.lastIndexOf('\r') + 1);
}

/** Adds a chunk of text as it came; a chunk may end in the middle of a line. */
export function appendLog(log: LogBuffer, text: string, maxLines: number = MAX_LINES): LogBuffer {
  if (text === '') return log;
  const pieces = text.split('\n');
  const open = pieces.at(-1) !== '';
  if (!open) pieces.pop();

  const blocks = [...log.blocks];
  let total = log.total;
  let current = blocks.pop() ?? { first: 0, lines: [] };
  let lines = [...current.lines];
  if (log.open) {
    const unfinished = lines.pop() ?? '';
    total -= 1;
    pieces[0] = unfinished + (pieces[0] ?? '');
  }
  for (const [index, piece] of pieces.entries()) {
    if (lines.length === LINES_PER_BLOCK) {
      blocks.push({ first: current.first, lines });
      current = { first: total, lines: [] };
      lines = [];
    }
    // The unfinished last line keeps its carriage returns: the rest of it may still come.
    const unfinished = open && index === pieces.length - 1;
    lines.push(unfinished ? piece : overwrite(piece));
    total += 1;
  }
  blocks.push({ first: current.first, lines });

  let dropped = log.dropped;
  while (total - dropped > maxLines && blocks.length > 1) dropped += blocks.shift()?.lines.length ?? 0;
  return { blocks, total, dropped, open };
}

/** What a line looks like: an unfinished one is overwritten here and not in the buffer. */
export const shownLine = (line: string): string => (line.includes('\r') ? overwrite(line) : line);

/** The whole text without colours, for the clipboard. */
export function logText(log: LogBuffer): string {
  return log.blocks
    .flatMap((block) => block.lines)
    .map((line) => plainText(shownLine(line)))
    .join('\n');
}

/** Numbers of the lines that contain the text, whatever its case. */
export function findInLog(log: LogBuffer, text: string): number[] {
  const wanted = text.toLowerCase();
  if (wanted === '') return [];
  return log.blocks.flatMap((block) =>
    block.lines.flatMap((line, index) =>
      plainText(shownLine(line)).toLowerCase().includes(wanted) ? [block.first + index] : [],
    ),
  );
}
