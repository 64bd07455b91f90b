/** The end of an output, fit for a message: the last lines, as text that people can read. */

// Terminal colours and cursor movements, then every other control character but the line feed.
// oxlint-disable-next-line no-control-regex
const ESCAPES = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f]/g;

/** Output as plain text: no escapes, no control characters; bytes that are not UTF-8 become `\uFFFD`. */
export const plainText = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString('utf8')
    .replaceAll('\r\n', '\n')
    .replace(ESCAPES, '')
    .replace(CONTROLS, ' ');

/** At most so many last lines, without blank ones around them. */
export const lastLines = (bytes: Uint8Array, lines: number): string =>
  plainText(bytes).trim().split('\n').slice(-lines).join('\n').trim();

/** Keeps the last bytes of an output that may be without end. */
export class Tail {
  private readonly capacity: number;
  private kept: Buffer[] = [];
  private size = 0;

  /** @param capacity in bytes */
  constructor(capacity: number) {
    this.capacity = capacity;
  }

  add(chunk: Buffer): void {
    this.kept.push(chunk);
    this.size += chunk.length;
    for (let first = this.kept[0]; first && this.size - first.length >= this.capacity; first = this.kept[0]) {
      this.kept.shift();
      this.size -= first.length;
    }
  }

  /** At most so many last lines within the capacity. */
  text(lines: number = Number.MAX_SAFE_INTEGER): string {
    const all = Buffer.concat(this.kept);
    return lastLines(all.subarray(Math.max(0, all.length - this.capacity)), lines);
  }
}
