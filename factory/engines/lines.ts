/** Cutting an output into lines, and lines into events. */
import type { StreamEvent } from './facts.js';

/** A longer line is no event that we need (characters): an agent may read a whole file into one. */
const MAX_LINE_CHARS = 16 * 1024 * 1024;

export class LineSplitter {
  private readonly decoder = new TextDecoder();
  private parts: string[] = [];
  private size = 0;
  private dropping = false;

  /** The lines that are complete now, without their ends. A line beyond all measure is left out. */
  split(chunk: Buffer): string[] {
    const [first = '', ...others] = this.decoder.decode(chunk, { stream: true }).split('\n');
    this.add(first);
    const lines: string[] = [];
    for (const other of others) {
      if (!this.dropping) lines.push(withoutReturn(this.parts.join('')));
      this.parts = [];
      this.size = 0;
      this.dropping = false;
      this.add(other);
    }
    return lines;
  }

  /** What came after the last end of a line. */
  rest(): string {
    return this.dropping ? '' : withoutReturn(this.parts.join('') + this.decoder.decode());
  }

  private add(part: string): void {
    this.size += part.length;
    if (this.size > MAX_LINE_CHARS) {
      this.dropping = true;
      this.parts = [];
    } else if (!this.dropping) this.parts.push(part);
  }
}

const withoutReturn = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line);

/** The JSON object that a line is; undefined for anything else. */
export function parseEvent(line: string): StreamEvent | undefined {
  if (!line.trimStart().startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as StreamEvent) : undefined;
  } catch {
    return undefined;
  }
}
