// The Cosmos emulator's figures, with the real client against a server in a process of its own.
import { fork, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { CosmosClient, type Container } from '@azure/cosmos';

const ENTRY = path.resolve('dist/local/cosmos/main.js');
const CONCURRENCY = 32;
const MEASURE_MS = 3000;
const READ_ITEMS = 500;
const PARTITION_ITEMS = 10_000;
const RESTART_ITEMS = 100_000;
const BULK_SIZE = 100;

interface Process {
  child: ChildProcess;
  endpoint: string;
  key: string;
  stop(): Promise<void>;
}

async function start(directory: string): Promise<Process> {
  const child = fork(ENTRY, ['--port', '0', '--data', directory], { silent: true });
  child.stderr?.pipe(process.stderr);
  const ready = await new Promise<{ endpoint: string; key: string }>((resolve, reject) => {
    child.once('message', (message) => resolve(message as { endpoint: string; key: string }));
    child.once('exit', (code) => reject(new Error(`the emulator ended with ${code}`)));
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  return {
    child,
    ...ready,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** Resident memory of another process, MB; Linux only, 0 elsewhere. */
function residentMb(pid: number | undefined): number {
  if (process.platform !== 'linux' || pid === undefined) return 0;
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}

/** Calls per second of `call` with `concurrency` at once, after a short warm-up. */
async function rate(concurrency: number, call: (index: number) => Promise<unknown>): Promise<number> {
  let index = 0;
  let done = 0;
  let until = performance.now() + MEASURE_MS / 3;
  const worker = async (): Promise<void> => {
    while (performance.now() < until) {
      await call(index++);
      done++;
    }
  };
  const crowd = (): Promise<void[]> => Promise.all(Array.from({ length: concurrency }, worker));
  await crowd();
  done = 0;
  const began = performance.now();
  until = began + MEASURE_MS;
  await crowd();
  return Math.round((done / (performance.now() - began)) * 1000);
}

const document = (id: string, pk: string, n: number): Record<string, string | number> => ({
  id,
  pk,
  n,
  group: `g${n % 100}`,
  at: new Date(n * 1000).toISOString(),
  payload: 'x'.repeat(850),
});

/** Fills a partition by single upserts, 100 at a time. */
async function fill(container: Container, count: number, pkOf: (n: number) => string): Promise<void> {
  for (let from = 0; from < count; from += BULK_SIZE) {
    const operations = Array.from({ length: BULK_SIZE }, (_, at) => ({
      operationType: 'Upsert' as const,
      resourceBody: document(`d${from + at}`, pkOf(from), from + at),
    }));
    await container.items.batch(operations, pkOf(from));
  }
}

async function measure(directory: string): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  const server = await start(directory);
  figures['cosmos.idle_mb'] = residentMb(server.child.pid);
  const client = new CosmosClient({ endpoint: server.endpoint, key: server.key });
  const { database } = await client.databases.create({ id: 'bench' });
  const { container } = await database.containers.create({ id: 'items', partitionKey: { paths: ['/pk'] } });
  const upsert = (n: number): Promise<unknown> =>
    container.items.upsert(document(`u${n % READ_ITEMS}`, `p${n % 10}`, n));
  for (let n = 0; n < READ_ITEMS; n++) await upsert(n);
  figures['cosmos.upserts_per_s'] = await rate(CONCURRENCY, upsert);
  figures['cosmos.upserts_per_s_c1'] = await rate(1, upsert);
  const read = async (n: number): Promise<void> => {
    const { statusCode } = await container.item(`u${n % READ_ITEMS}`, `p${n % 10}`).read();
    if (statusCode !== 200) throw new Error(`a read answered ${statusCode}`);
  };
  figures['cosmos.point_reads_per_s'] = await rate(CONCURRENCY, read);
  figures['cosmos.point_reads_per_s_c1'] = await rate(1, read);
  const patch = (n: number): Promise<unknown> =>
    container.item(`u${n % READ_ITEMS}`, `p${n % 10}`).patch([{ op: 'incr', path: '/n', value: 1 }]);
  figures['cosmos.patches_per_s'] = await rate(CONCURRENCY, patch);

  const { container: large } = await database.containers.create({
    id: 'large',
    partitionKey: { paths: ['/pk'] },
  });
  await fill(large, PARTITION_ITEMS, () => 'ten thousand');
  await fill(large, PARTITION_ITEMS / 10, () => 'one thousand');
  // Ten documents of one group each time, so that only the size of the partition differs.
  const ten = (partitionKey: string) => (n: number) =>
    large.items
      .query(
        {
          query: 'SELECT * FROM c WHERE c.group = @g ORDER BY c.n DESC OFFSET 0 LIMIT 10',
          parameters: [{ name: '@g', value: `g${n % 100}` }],
        },
        { partitionKey },
      )
      .fetchAll();
  figures['cosmos.queries_of_1k_per_s'] = await rate(CONCURRENCY, ten('one thousand'));
  figures['cosmos.queries_of_10k_per_s'] = await rate(CONCURRENCY, ten('ten thousand'));
  figures['cosmos.query_in_10k_over_1k'] =
    figures['cosmos.queries_of_1k_per_s'] / figures['cosmos.queries_of_10k_per_s'];

  const { container: many } = await database.containers.create({
    id: 'many',
    partitionKey: { paths: ['/pk'] },
  });
  await fill(many, RESTART_ITEMS, (n) => `p${n % 20_000}`);
  client.dispose();
  server.child.kill('SIGKILL');
  const killed = performance.now();
  const again = await start(directory);
  figures['cosmos.restart_100k_ms'] = Math.round(performance.now() - killed);
  figures['cosmos.mb_at_100k'] = residentMb(again.child.pid);
  await again.stop();
  return figures;
}

/** Names to figures: calls per second, MB or ms, as the name says. */
export async function run(): Promise<Record<string, number>> {
  const directory = await mkdtemp(path.join(tmpdir(), 'cosmos-bench-'));
  try {
    return await measure(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
