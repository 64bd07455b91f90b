// What was acknowledged survives: a kill at any byte, a kill of the process, a compaction, a full disk.
import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CosmosClient } from '@azure/cosmos';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/clock.js';
import { CosmosError } from '../../../local/cosmos/errors.js';
import { Engine } from '../../../local/cosmos/engine.js';
import type { JsonObject } from '../../../local/cosmos/json.js';
import { Persistence } from '../../../local/cosmos/persistence.js';
import type { EngineRecord } from '../../../local/cosmos/records.js';
import { killRounds, timeFor } from '../effort.js';
import { startCosmos } from '../../../local/cosmos/server.js';

const KILL_ROUNDS = killRounds(3);
const ENTRY = path.resolve('dist/local/cosmos/main.js');

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'cosmos-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Without discovery, a client does not look for a killed server for two minutes. */
const NO_RETRIES = { enableEndpointDiscovery: false, retryOptions: { maxRetryAttemptCount: 0 } };

const KEY = ['p'];
const clock = new VirtualClock();

function newEngine(onRecord: (record: EngineRecord) => void = () => {}): Engine {
  return new Engine({ clock, random: Math.random, onRecord });
}

/** Everything a client could see, with the feed's order and the counters behind it. */
function view(engine: Engine): unknown {
  return [...engine.databases.values()].map(({ resource, containers }) => ({
    resource,
    containers: [...containers.values()].map((container) => ({
      resource: container.resource,
      ranges: container.ranges.map(({ id, sessionToken }) => ({
        sessionToken,
        feed: container.changes({ kind: 'range', id }, { pageSize: 10_000 }).documents,
        items: container.query({ text: 'SELECT * FROM c', scope: { kind: 'range', id }, pageSize: 10_000 })
          .rows,
      })),
    })),
  }));
}

function setUp(engine: Engine): void {
  engine.createDatabase({ id: 'db' });
  engine.createContainer('db', {
    id: 'c',
    partitionKey: { paths: ['/pk'] },
    defaultTtl: 1000,
    uniqueKeyPolicy: { uniqueKeys: [{ paths: ['/name'] }] },
  });
}

const write = fc.oneof(
  fc.record({ kind: fc.constant('upsert' as const), id: fc.nat(9), n: fc.nat(99) }),
  fc.record({ kind: fc.constant('delete' as const), id: fc.nat(9), n: fc.nat(99) }),
  fc.record({ kind: fc.constant('batch' as const), id: fc.nat(9), n: fc.nat(99) }),
  fc.record({ kind: fc.constant('patch' as const), id: fc.nat(9), n: fc.nat(99) }),
);
type Write = typeof write extends fc.Arbitrary<infer T> ? T : never;

function apply(engine: Engine, { kind, id, n }: Write): void {
  const container = engine.container('db', 'c');
  const body = (number: number): JsonObject => ({
    id: `${number}`,
    pk: 'p',
    n,
    name: `${number}-${n % 7}`,
    text: 'é'.repeat(n % 13),
  });
  try {
    if (kind === 'upsert') container.execute(KEY, { kind, body: body(id) });
    else if (kind === 'delete') container.execute(KEY, { kind, id: `${id}` });
    else if (kind === 'patch')
      container.execute(KEY, { kind, id: `${id}`, body: [{ op: 'incr', path: '/n', value: n }] });
    else
      container.batch(KEY, [
        { kind: 'upsert', body: body(id) },
        { kind: 'upsert', body: body(id + 100) },
        { kind: 'create', body: body(id + n) },
      ]);
  } catch (error) {
    // An item that is not there, or a batch's second copy of one that is.
    if (!(error instanceof CosmosError)) throw error;
  }
}

describe('a journal of the engine', () => {
  it('gives back, after a kill at any byte, a state that holds all that was acknowledged and no half of a batch', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { minLength: 1, maxLength: 40 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (writes, part) => {
          const source = await mkdtemp(path.join(directory, 'run-'));
          const persistence = new Persistence(() => {});
          const engine = newEngine((record) => persistence.append(record));
          await persistence.open(source, engine);
          const file = path.join(source, 'cosmos.journal');
          setUp(engine);
          await persistence.flushed(engine);
          const states = [{ bytes: (await stat(file)).size, view: view(engine) }];
          for (const one of writes) {
            apply(engine, one);
            await persistence.flushed(engine);
            states.push({ bytes: (await stat(file)).size, view: view(engine) });
          }
          await persistence.close();
          const whole = await readFile(file);
          const first = states[0]?.bytes ?? 0;
          const cut = first + Math.round(part * (whole.length - first));
          await writeFile(file, whole.subarray(0, cut));
          const again = newEngine();
          const reader = new Persistence(() => {});
          await reader.open(source, again);
          await reader.close();
          const acknowledged = states.findLast(({ bytes }) => bytes <= cut);
          expect(view(again)).toEqual(acknowledged?.view);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('says the same after compaction, and after more writes and another start', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { maxLength: 60 }),
        fc.array(write, { maxLength: 20 }),
        async (before, after) => {
          const first = newEngine();
          setUp(first);
          before.forEach((one) => apply(first, one));
          const compacted = newEngine();
          for (const record of JSON.parse(JSON.stringify([...first.snapshot()])) as EngineRecord[])
            compacted.restore(record);
          expect(view(compacted)).toEqual(view(first));
          after.forEach((one) => apply(compacted, one));
          const again = newEngine();
          for (const record of compacted.snapshot()) again.restore(record);
          expect(view(again)).toEqual(view(compacted));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('is a snapshot of one moment, although it is read while writes go on', () => {
    const engine = newEngine();
    setUp(engine);
    for (let n = 0; n < 20; n++) apply(engine, { kind: 'upsert', id: n, n });
    const before = view(engine);
    const snapshot = engine.snapshot()[Symbol.iterator]();
    const records: EngineRecord[] = [];
    for (let next = snapshot.next(); !next.done; next = snapshot.next()) {
      records.push(next.value);
      apply(engine, { kind: 'upsert', id: records.length % 20, n: 77 });
    }
    const copy = newEngine();
    records.forEach((record) => copy.restore(record));
    expect(view(copy)).toEqual(before);
  });
});

describe('compaction', () => {
  it('keeps the file small while writes go on, and loses none of them', async () => {
    const limit = 20_000;
    const persistence = new Persistence(() => {}, limit);
    let appended = 0;
    const engine = newEngine((record) => {
      appended += JSON.stringify(record).length;
      persistence.append(record);
    });
    await persistence.open(directory, engine);
    setUp(engine);
    let written = 0;
    for (let n = 0; n < 1000; n++) {
      apply(engine, { kind: n % 9 === 0 ? 'batch' : 'upsert', id: n % 10, n });
      await persistence.flushed(engine);
      written = Math.max(written, (await stat(path.join(directory, 'cosmos.journal'))).size);
    }
    await persistence.close();
    expect(written).toBeLessThan(appended / 2);
    const again = newEngine();
    const reader = new Persistence(() => {});
    await reader.open(directory, again);
    await reader.close();
    expect(view(again)).toEqual(view(engine));
  });
});

async function started(): Promise<{ child: ChildProcess; endpoint: string; key: string }> {
  const child = fork(ENTRY, ['--port', '0', '--data', directory], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ready = await new Promise<{ endpoint: string; key: string }>((resolve, reject) => {
    child.once('message', (message) => resolve(message as { endpoint: string; key: string }));
    child.once('exit', (code) => reject(new Error(`the emulator ended with ${code}; is dist/ built?`)));
  });
  return { child, ...ready };
}

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => {
    child.once('exit', (code) => resolve(code));
  });

describe('the process', () => {
  it(
    'keeps every acknowledged write, and each batch whole, when it is killed under load',
    async () => {
      const acknowledged = new Map<string, number>();
      for (let round = 0; round < KILL_ROUNDS; round++) {
        const { child, endpoint, key } = await started();
        const client = new CosmosClient({
          endpoint,
          key,
          connectionPolicy: NO_RETRIES,
        });
        const { database } = await client.databases.createIfNotExists({ id: 'db' });
        const { container } = await database.containers.createIfNotExists({
          id: 'c',
          partitionKey: { paths: ['/pk'] },
        });
        for (const [id, n] of acknowledged) {
          const pair = await Promise.all([
            container.item(id, 'p').read(),
            container.item(`${id}-twin`, 'p').read(),
          ]);
          const [one, twin] = pair.map(({ resource }) => resource?.n as number);
          expect(one).toBeGreaterThanOrEqual(n);
          expect(twin).toBe(one);
        }
        const gone = ended(child);
        let alive = true;
        void gone.then(() => (alive = false));
        let count = 0;
        const killAt = 20 + Math.floor(Math.random() * 150);
        const worker = async (id: string): Promise<void> => {
          for (let n = (acknowledged.get(id) ?? 0) + 1; alive; n++) {
            const batch = [id, `${id}-twin`].map((name) => ({
              operationType: 'Upsert' as const,
              resourceBody: { id: name, pk: 'p', n },
            }));
            const { code } = await container.items.batch(batch, 'p').catch(() => ({ code: 0 }));
            if (code === 200) acknowledged.set(id, n);
            if (++count === killAt) child.kill('SIGKILL');
          }
        };
        await Promise.all(Array.from({ length: 8 }, (_, at) => worker(`w${at}`)));
        await gone;
        client.dispose();
      }
      expect(acknowledged.size).toBe(8);
    },
    timeFor(KILL_ROUNDS, 5_000),
  );

  it('ends with 0 on SIGTERM, and when its parent goes', async () => {
    const first = await started();
    const stopped = ended(first.child);
    first.child.kill('SIGTERM');
    expect(await stopped).toBe(0);
    const second = await started();
    const left = ended(second.child);
    second.child.disconnect();
    expect(await left).toBe(0);
  });
});

const hasPrlimit = process.platform === 'linux' && existsSync('/usr/bin/prlimit');

describe.runIf(hasPrlimit)('a disk without room', () => {
  const limit = (bytes: number | 'unlimited'): void => {
    execFileSync('prlimit', [`--pid=${process.pid}`, `--fsize=${bytes}:unlimited`]);
  };
  afterEach(() => limit('unlimited'));

  it('is answered with 503, changes nothing further, and heals', async () => {
    const server = await startCosmos({
      dataDir: directory,
      databases: [{ id: 'db', containers: [{ id: 'c', partitionKey: { paths: ['/pk'] } }] }],
    });
    const client = new CosmosClient({
      endpoint: server.endpoint,
      key: server.key,
      connectionPolicy: NO_RETRIES,
    });
    const container = client.database('db').container('c');
    await container.items.create({ id: 'before', pk: 'p' });
    limit(16_384);
    const large = (id: string) => container.items.create({ id, pk: 'p', x: 'x'.repeat(20_000) });
    await expect(large('a')).rejects.toMatchObject({ code: 503 });
    await expect(large('b')).rejects.toMatchObject({ code: 503 });
    expect(server.engine.container('db', 'c').size).toBe(2);
    limit('unlimited');
    expect((await container.items.create({ id: 'after', pk: 'p' })).statusCode).toBe(201);
    client.dispose();
    await server.close();
    await copyFile(path.join(directory, 'cosmos.journal'), path.join(directory, 'copy'));
    const again = await startCosmos({ dataDir: directory });
    expect(again.engine.container('db', 'c').size).toBe(3);
    await again.close();
  });
});
