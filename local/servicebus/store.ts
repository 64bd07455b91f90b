import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openJournal, type Journal } from '../storage/journal.js';
import type { Change } from './changes.js';
import type { Engine } from './engine.js';

/** A journal is rewritten when it is twice as long as after its last rewrite, and longer than this (bytes). */
const MIN_REWRITE_BYTES = 16 * 1024 * 1024;
const META_LENGTH_BYTES = 4;
const KEY_BYTES = 32;

export interface Store {
  /** The namespace's key, made once and kept: connection strings outlive a restart. */
  readonly keyValue: string;
  /** Resolves when every change so far is on disk; rejects if it could not be written. */
  flushed(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Fills an engine from the journal in a directory (made if missing) and stores its changes there from then on.
 * @throws if the directory cannot be read or written, or its journal is none
 */
export async function openStore(
  directory: string,
  engine: Engine,
  log: (line: string) => void,
): Promise<Store> {
  mkdirSync(directory, { recursive: true });
  const changes: Change[] = [];
  const journal = await openJournal(path.join(directory, 'messages.journal'), {
    onRecord: (record) => changes.push(decodeChange(record)),
  });
  engine.restore(changes);
  const rewriting = rewriter(journal, engine, log);
  engine.onChange((change) => {
    journal.append(encodeChange(change));
    rewriting();
  });
  return {
    keyValue: keyIn(directory),
    flushed: () => journal.flushed(),
    close: () => journal.close(),
  };
}

/** Returns a function that has the journal rewritten if it has grown enough and that is not under way. */
function rewriter(journal: Journal, engine: Engine, log: (line: string) => void): () => void {
  let threshold = Math.max(MIN_REWRITE_BYTES, journal.size * 2);
  const rewrite = async (): Promise<void> => {
    // The changes are taken at once, the bytes made as they are written.
    const changes = [...engine.snapshot()];
    try {
      await journal.rewrite(encodeAll(changes));
    } catch (error) {
      log(`the journal was not shortened: ${String(error)}`);
    }
    threshold = Math.max(MIN_REWRITE_BYTES, journal.size * 2);
  };
  return () => {
    if (journal.size < threshold) return;
    threshold = Infinity;
    // Not now: a change is told of before it is done, so a snapshot in the middle of one would be without it.
    setImmediate(() => void rewrite());
  };
}

function* encodeAll(changes: readonly Change[]): Generator<Uint8Array> {
  for (const change of changes) yield encodeChange(change);
}

/** A record: length of the description (u32), the description as JSON, then the payload's or state's bytes. */
function encodeChange(change: Change): Buffer {
  const { described, bytes } = split(change);
  const json = JSON.stringify(described);
  const jsonBytes = Buffer.byteLength(json);
  const record = Buffer.allocUnsafe(META_LENGTH_BYTES + jsonBytes + (bytes?.length ?? 0));
  record.writeUInt32LE(jsonBytes);
  record.write(json, META_LENGTH_BYTES);
  if (bytes) record.set(bytes, META_LENGTH_BYTES + jsonBytes);
  return record;
}

function split(change: Change): { described: object; bytes: Uint8Array | undefined } {
  switch (change.kind) {
    case 'added': {
      const { payload: bytes, ...message } = change.message;
      return { described: { ...change, message }, bytes };
    }
    case 'updated': {
      const { payload: bytes, ...rest } = change;
      return { described: { ...rest, hasPayload: bytes !== undefined }, bytes };
    }
    case 'session': {
      const { state: bytes, ...rest } = change;
      return { described: { ...rest, hasState: bytes !== undefined }, bytes };
    }
    default:
      return { described: change, bytes: undefined };
  }
}

function decodeChange(record: Uint8Array): Change {
  const buffer = Buffer.from(record.buffer, record.byteOffset, record.length);
  const jsonEnd = META_LENGTH_BYTES + buffer.readUInt32LE();
  const change = JSON.parse(buffer.toString('utf8', META_LENGTH_BYTES, jsonEnd)) as Change & {
    hasPayload?: boolean;
    hasState?: boolean;
  };
  // A copy: a view would keep the whole chunk that was read from the file.
  const bytes = Buffer.from(buffer.subarray(jsonEnd));
  if (change.kind === 'added') return { ...change, message: { ...change.message, payload: bytes } };
  if (change.kind === 'updated') return { ...change, payload: change.hasPayload ? bytes : undefined };
  if (change.kind === 'session') return { ...change, state: change.hasState ? bytes : undefined };
  return change;
}

function keyIn(directory: string): string {
  const file = path.join(directory, 'key');
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    const value = randomBytes(KEY_BYTES).toString('base64');
    writeFileSync(file, `${value}\n`, { mode: 0o600 });
    return value;
  }
}
