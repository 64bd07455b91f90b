import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournal, type Journal } from '../../../local/storage/journal.js';

let directory: string;
let file: string;
const opened: Journal[] = [];

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'journal-'));
  file = path.join(directory, 'a.journal');
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((journal) => journal.close().catch(() => {})));
  await rm(directory, { recursive: true, force: true });
});

async function openWith(target = file): Promise<{ journal: Journal; records: string[] }> {
  const records: string[] = [];
  const journal = await openJournal(target, {
    onRecord: (record) => void records.push(Buffer.from(record).toString('utf8')),
  });
  opened.push(journal);
  return { journal, records };
}

const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8');

async function journalOf(...texts: string[]): Promise<void> {
  const { journal } = await openWith();
  for (const text of texts) journal.append(bytes(text));
  await journal.close();
}

describe('a journal', () => {
  it('gives back what was flushed, in order', async () => {
    const { journal } = await openWith();
    for (let index = 0; index < 1000; index++) {
      journal.append(bytes(`record ${index}`));
      if (index % 100 === 0) await journal.flushed();
    }
    await journal.flushed();
    const { records } = await openWith();
    expect(records).toEqual(Array.from({ length: 1000 }, (_, index) => `record ${index}`));
  });

  it('has the bytes in the file when flushed() resolves', async () => {
    const { journal } = await openWith();
    journal.append(bytes('durable'));
    await journal.flushed();
    expect((await stat(file)).size).toBe(journal.size);
    expect((await readFile(file)).includes('durable')).toBe(true);
  });

  it('resolves flushed() at once when nothing is waiting', async () => {
    const { journal } = await openWith();
    await expect(journal.flushed()).resolves.toBeUndefined();
  });

  it('reads records longer than its read buffer', async () => {
    const long = 'x'.repeat(3_000_000);
    await journalOf('a', long, 'b');
    const { records } = await openWith();
    expect(records.map((record) => record.length)).toEqual([1, long.length, 1]);
  });

  it('cuts a torn tail at every possible length and goes on from there', async () => {
    await journalOf('first', 'second', 'third');
    const whole = await readFile(file);
    const lastFrame = 8 + 'third'.length;
    for (let missing = 1; missing < lastFrame; missing++) {
      const torn = path.join(directory, `torn-${missing}`);
      await writeFile(torn, whole.subarray(0, whole.length - missing));
      const { journal, records } = await openWith(torn);
      expect(records).toEqual(['first', 'second']);
      journal.append(bytes('after'));
      await journal.close();
      expect((await openWith(torn)).records).toEqual(['first', 'second', 'after']);
    }
  });

  it('stops at a damaged record and keeps the damaged file beside it', async () => {
    await journalOf('first', 'second', 'third');
    const handle = await open(file, 'r+');
    const at = (await readFile(file)).indexOf('second');
    await handle.write('S', at);
    await handle.close();
    expect((await openWith()).records).toEqual(['first']);
    expect((await readFile(`${file}.torn`)).includes('third')).toBe(true);
  });

  it('takes zeros at the end for a torn tail', async () => {
    await journalOf('first');
    await appendFile(file, Buffer.alloc(4096));
    expect((await openWith()).records).toEqual(['first']);
  });

  it('begins anew when even the magic was torn', async () => {
    await journalOf('first');
    await truncate(file, 3);
    const { journal, records } = await openWith();
    expect(records).toEqual([]);
    journal.append(bytes('again'));
    await journal.close();
    expect((await openWith()).records).toEqual(['again']);
  });

  it('refuses to touch a file that is no journal', async () => {
    await writeFile(file, 'my thesis, only copy');
    await expect(openWith()).rejects.toThrow(/not a journal/);
    expect(await readFile(file, 'utf8')).toBe('my thesis, only copy');
  });

  it('refuses empty records', async () => {
    const { journal } = await openWith();
    expect(() => journal.append(new Uint8Array())).toThrow(RangeError);
  });

  it('survives any prefix of its bytes with a prefix of its records', async () => {
    const texts = Array.from({ length: 20 }, (_, index) => `${index}:${'y'.repeat(index * 7)}`);
    await journalOf(...texts);
    const whole = await readFile(file);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length }), async (length) => {
        const cut = path.join(directory, `cut-${length}`);
        await writeFile(cut, whole.subarray(0, length));
        const { journal, records } = await openWith(cut);
        expect(records).toEqual(texts.slice(0, records.length));
        await journal.close();
      }),
      { numRuns: 40 },
    );
  });
});

describe('a rewrite', () => {
  it('leaves the new records and everything appended meanwhile', async () => {
    const { journal } = await openWith();
    for (let index = 0; index < 500; index++) journal.append(bytes(`old ${index}`));
    await journal.flushed();
    const before = journal.size;
    const rewriting = journal.rewrite([bytes('snapshot')]);
    journal.append(bytes('during, flushed'));
    await journal.flushed();
    journal.append(bytes('during, waiting'));
    await rewriting;
    journal.append(bytes('after'));
    await journal.flushed();
    expect(journal.size).toBeLessThan(before);
    expect((await openWith()).records).toEqual(['snapshot', 'during, flushed', 'during, waiting', 'after']);
  });

  it('reads its records lazily while flushes go on', async () => {
    const { journal } = await openWith();
    let taken = 0;
    function* snapshot(): Generator<Uint8Array> {
      for (; taken < 8; taken++) yield bytes('z'.repeat(600_000));
    }
    const rewriting = journal.rewrite(snapshot());
    journal.append(bytes('live'));
    await journal.flushed();
    expect(taken).toBeLessThan(8);
    await rewriting;
    const { records } = await openWith();
    expect(records).toHaveLength(9);
    expect(records[8]).toBe('live');
  });

  it('keeps the old file when the records cannot be produced', async () => {
    const { journal } = await openWith();
    journal.append(bytes('kept'));
    function* failing(): Generator<Uint8Array> {
      yield bytes('half');
      throw new Error('no more');
    }
    await expect(journal.rewrite(failing())).rejects.toThrow('no more');
    journal.append(bytes('and more'));
    await journal.close();
    expect((await openWith()).records).toEqual(['kept', 'and more']);
  });

  it('ignores what a crash in the middle of a rewrite left behind', async () => {
    await journalOf('kept');
    await writeFile(`${file}.new`, 'half a file');
    const { journal, records } = await openWith();
    expect(records).toEqual(['kept']);
    await journal.rewrite([bytes('small')]);
    expect((await openWith()).records).toEqual(['small']);
  });
});

/** Lowers the longest file this process may write, which fails a write just as a full disk does. */
function limitFileSize(limit: number | 'unlimited'): void {
  execFileSync('prlimit', [`--pid=${process.pid}`, `--fsize=${limit}:unlimited`]);
}

const hasPrlimit = process.platform === 'linux' && existsSync('/usr/bin/prlimit');

describe.runIf(hasPrlimit)('a disk without room', () => {
  afterEach(() => limitFileSize('unlimited'));

  it('surfaces as a rejected flush and loses nothing once there is room', async () => {
    const { journal } = await openWith();
    journal.append(bytes('before'));
    await journal.flushed();
    limitFileSize(4096);
    journal.append(bytes('x'.repeat(6000)));
    await expect(journal.flushed()).rejects.toThrow(/EFBIG/);
    expect(journal.failing).toBe(true);
    journal.append(bytes('queued behind'));
    await expect(journal.flushed()).rejects.toThrow(/EFBIG/);
    limitFileSize('unlimited');
    await journal.flushed();
    expect(journal.failing).toBe(false);
    const { records } = await openWith();
    expect(records).toEqual(['before', 'x'.repeat(6000), 'queued behind']);
  });
});
