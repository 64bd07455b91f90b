// The engine's records in a journal, compacted when it has grown to twice its last compact size.
import path from 'node:path';
import { openJournal, type Journal } from '../storage/journal.js';
import type { Engine } from './engine.js';
import type { EngineRecord } from './records.js';

const FILE = 'cosmos.journal';
/** Below this (bytes) a journal is not worth a rewrite: it replays in about a third of a second. */
const MIN_COMPACTION_BYTES = 64 * 1024 * 1024;

const encode = (record: EngineRecord): Buffer => Buffer.from(JSON.stringify(record), 'utf8');

function* encoded(records: Iterable<EngineRecord>): Generator<Uint8Array> {
  for (const record of records) yield encode(record);
}

export class Persistence {
  readonly #log: (message: string) => void;
  #journal: Journal | undefined;
  readonly #minCompactionBytes: number;
  #compactAt: number;
  #compacting = false;

  constructor(log: (message: string) => void, minCompactionBytes = MIN_COMPACTION_BYTES) {
    this.#log = log;
    this.#minCompactionBytes = minCompactionBytes;
    this.#compactAt = minCompactionBytes;
  }

  /** Keeps a record; durable once a later {@link flushed} resolves. */
  append(record: EngineRecord): void {
    this.#journal?.append(encode(record));
  }

  /** Reads the directory's journal into the engine, and writes on from there. */
  async open(directory: string, engine: Engine): Promise<void> {
    this.#journal = await openJournal(path.join(directory, FILE), {
      onRecord: (record) => engine.restore(JSON.parse(Buffer.from(record).toString('utf8')) as EngineRecord),
    });
    this.#compactAt = Math.max(this.#minCompactionBytes, 2 * this.#journal.size);
  }

  /** Rejects while the disk takes nothing: check before changing any state. */
  async ready(): Promise<void> {
    if (this.#journal?.failing) await this.#journal.flushed();
  }

  /** Resolves once everything appended is on disk. */
  async flushed(engine: Engine): Promise<void> {
    const journal = this.#journal;
    if (!journal) return;
    await journal.flushed();
    if (this.#compacting || journal.size < this.#compactAt) return;
    this.#compacting = true;
    // Nobody waits for it: requests go on meanwhile.
    void journal
      .rewrite(encoded(engine.snapshot()))
      .catch((error: unknown) => this.#log(`compaction failed: ${String(error)}`))
      .finally(() => {
        this.#compacting = false;
        this.#compactAt = Math.max(this.#minCompactionBytes, 2 * journal.size);
      });
  }

  async close(): Promise<void> {
    await this.#journal?.close();
  }
}
