// Starts a sample app of the fixtures folder, and keeps what the host logs.
import { spawnSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startHost } from '../../../local/host/host.js';
import type { Host, HostOptions } from '../../../local/host/host.js';
import type { LogEntry } from '../../../local/host/log.js';

export const fixtureDir = (name: string): string =>
  fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

export function startFixture(name: string, options: Partial<HostOptions> = {}): Promise<Host> {
  return startHost({ appDir: fixtureDir(name), settings: {}, ...options });
}

/** A process whose parent was killed may stay listed until the system's first process collects it: it is gone. */
export function isAlive(pid: number | undefined): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.startsWith('Z');
}

/** The host's log as a test reads it. */
export class Journal {
  readonly entries: LogEntry[] = [];
  readonly #events = new EventEmitter().setMaxListeners(0);

  readonly write = (entry: LogEntry): void => {
    this.entries.push(entry);
    this.#events.emit('entry');
  };

  /** Entries of a category, or below it, that contain the text. */
  all(category: string, text = ''): LogEntry[] {
    return this.entries.filter(
      (entry) => entry.category.startsWith(category) && entry.message.includes(text),
    );
  }

  find(category: string, text: string): LogEntry | undefined {
    return this.all(category, text)[0];
  }

  /** Waits until there are so many such entries; the test's own timeout is the limit. */
  async until(category: string, text: string, count = 1): Promise<LogEntry[]> {
    for (;;) {
      const found = this.all(category, text);
      if (found.length >= count) return found;
      await once(this.#events, 'entry');
    }
  }
}
