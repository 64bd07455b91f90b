/** Follows a file of JSON lines that another process writes, as `tail -f` does. */
import { open, stat } from 'node:fs/promises';
import { LineSplitter } from './lines.js';

/** How often it is looked at (ms): a budget is overspent by what is used in between. */
const LOOK_MS = 500;
const READ_BYTES = 256 * 1024;

export class SideFile {
  private readonly find: () => Promise<string | undefined>;
  private readonly onLine: (line: string) => void;
  private readonly lines = new LineSplitter();
  private readonly timer: NodeJS.Timeout;
  private file: string | undefined;
  private offset = 0;
  private reading: Promise<void> = Promise.resolve();
  private busy = false;

  constructor(find: () => Promise<string | undefined>, onLine: (line: string) => void) {
    this.find = find;
    this.onLine = onLine;
    this.timer = setInterval(() => {
      if (!this.busy) this.look();
    }, LOOK_MS);
  }

  /** Leaves out what is in the file already. */
  skipTo(find: () => Promise<string | undefined>): Promise<void> {
    this.reading = this.reading.then(
      async () => {
        const file = await find();
        if (file !== undefined) this.offset = (await stat(file)).size;
      },
      () => {},
    );
    return this.reading;
  }

  /** Reads what is there now; its writer has ended. */
  async end(): Promise<void> {
    this.close();
    this.look();
    await this.reading;
    const rest = this.lines.rest();
    if (rest !== '') this.onLine(rest);
  }

  close(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    this.busy = true;
    // It may not be there yet, or be of a kind that we cannot read: then less is known, and nothing fails.
    this.reading = this.reading
      .then(() => this.read())
      .catch(() => {})
      .finally(() => {
        this.busy = false;
      });
  }

  private async read(): Promise<void> {
    this.file ??= await this.find();
    if (this.file === undefined) return;
    const handle = await open(this.file, 'r');
    try {
      const buffer = Buffer.alloc(READ_BYTES);
      for (;;) {
        const { bytesRead } = await handle.read(buffer, 0, READ_BYTES, this.offset);
        if (bytesRead === 0) return;
        this.offset += bytesRead;
        for (const line of this.lines.split(buffer.subarray(0, bytesRead))) this.onLine(line);
      }
    } finally {
      await handle.close();
    }
  }
}
