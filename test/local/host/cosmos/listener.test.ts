import { CosmosClient } from '@azure/cosmos';
import type { Container } from '@azure/cosmos';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startCosmos } from '../../../../local/cosmos/server.js';
import type { CosmosServer } from '../../../../local/cosmos/server.js';
import type { Host } from '../../../../local/host/host.js';
import { Journal, startFixture } from '../fixture.js';

interface Report {
  ids: string[];
  metadata?: object;
  retry?: object | null;
  retryCount?: number;
  exception?: string;
}

const FUNCTIONS = ['fromBeginning', 'fromNow', 'losesBatches', 'retriesForever', 'retriesTwice'] as const;

describe('Cosmos triggers', () => {
  let server: CosmosServer;
  let client: CosmosClient;
  let things: Container;
  let leases: Container;
  let hosts: Host[] = [];
  let journal: Journal;
  beforeAll(async () => {
    server = await startCosmos();
    client = new CosmosClient(server.connectionString);
  });
  afterAll(async () => {
    client.dispose();
    await server.close();
  });
  afterEach(async () => {
    await Promise.all(hosts.map((host) => host.close()));
    hosts = [];
    await client.database('db').delete();
  });

  const create = async (): Promise<void> => {
    const { database } = await client.databases.create({ id: 'db' });
    const partitionKey = { paths: ['/id'] };
    things = (await database.containers.create({ id: 'things', partitionKey })).container;
    leases = database.container('leases');
    journal = new Journal();
  };
  /** Starts a host in which these functions alone are on. */
  const start = async (
    on: readonly (typeof FUNCTIONS)[number][],
    settings: Record<string, string> = {},
    log = journal.write,
  ): Promise<Host> => {
    const off = FUNCTIONS.filter((name) => !on.includes(name));
    const host = await startFixture('feed', {
      log,
      settings: {
        COSMOS: server.connectionString,
        DATABASE: 'db',
        ...Object.fromEntries(off.map((name) => [`AzureWebJobs.${name}.Disabled`, '1'])),
        ...settings,
      },
    });
    hosts.push(host);
    return host;
  };
  const reports = (name: string, from = journal): Report[] =>
    from.all(`Function.${name}.User`).map(({ message }) => JSON.parse(message) as Report);
  const seen = (name: string, from = journal): string[] => reports(name, from).flatMap(({ ids }) => ids);
  const write = (...ids: string[]): Promise<unknown> =>
    Promise.all(ids.map((id) => things.items.create({ id })));

  it('hands changes over in pages, from the beginning, with empty metadata', async () => {
    await create();
    await write('a', 'b', 'c', 'd', 'e');
    await start(['fromBeginning']);
    await expect.poll(() => seen('fromBeginning').toSorted()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(reports('fromBeginning').every(({ ids }) => ids.length <= 2)).toBe(true);
    expect(reports('fromBeginning')[0]?.metadata).toEqual({});
  });

  it('sees the latest version of what changes after the start', async () => {
    await create();
    await start(['fromNow']);
    await write('new');
    await journal.until('Function.fromNow.User', 'new');
    await things.items.upsert({ id: 'new', n: 2 });
    await expect.poll(() => seen('fromNow')).toEqual(['new', 'new']);
  });

  it('goes on where it stopped', async () => {
    await create();
    await write('a');
    const host = await start(['fromBeginning']);
    await journal.until('Function.fromBeginning', 'Executed');
    await host.close();
    await write('b');
    await start(['fromBeginning']);
    await journal.until('Function.fromBeginning.User', '"b"');
    expect(seen('fromBeginning')).toEqual(['a', 'b']);
  });

  it('loses a batch that fails without a retry policy, as on Azure', async () => {
    await create();
    await start(['losesBatches']);
    await things.items.create({ id: 'bad', poison: true });
    await journal.until('Host.Triggers.CosmosDB', 'as on Azure, is lost');
    await write('good', 'better');
    await expect.poll(() => seen('losesBatches').toSorted()).toEqual(['bad', 'better', 'good']);
    expect(reports('losesBatches')[0]?.retry).toBeNull();
  });

  it('retries without end where the policy says -1, and tells the function', async () => {
    await create();
    await start(['retriesForever']);
    await things.items.create({ id: 'bad', poison: true });
    await journal.until('Function.retriesForever', 'Succeeded');
    const tries = reports('retriesForever').filter(({ ids }) => ids.includes('bad'));
    expect(tries.map(({ retryCount }) => retryCount)).toEqual([0, 1, 2, 3, 4]);
    expect(tries.map(({ exception }) => exception)).toEqual([
      undefined,
      'poison',
      'poison',
      'poison',
      'poison',
    ]);
  });

  it('gives up after the retries of a limited policy', async () => {
    await create();
    await start(['retriesTwice']);
    await things.items.create({ id: 'bad', poison: true });
    await journal.until('Host.Triggers.CosmosDB', 'as on Azure, is lost');
    expect(reports('retriesTwice').map(({ retryCount }) => retryCount)).toEqual([0, 1, 2]);
  });

  it('shares the ranges between instances, and gives them back', async () => {
    await create();
    const others = new Journal();
    const interval = { leaseAcquireInterval: '50' };
    const first = await start(['fromNow'], { ...interval, WEBSITE_INSTANCE_ID: 'one' });
    const owners = async (): Promise<unknown[]> => {
      const { resources } = await leases.items.query('SELECT c.Owner FROM c').fetchAll();
      return (resources as { Owner: string | null }[]).map(({ Owner }) => Owner);
    };
    expect(new Set(await owners())).toEqual(new Set(['one']));
    await first.close();
    expect(new Set(await owners())).toEqual(new Set([null]));
    await start(['fromNow'], { WEBSITE_INSTANCE_ID: 'two' }, others.write);
    expect(new Set(await owners())).toEqual(new Set(['two']));
    await write('after');
    await others.until('Function.fromNow.User', 'after');
    expect(seen('fromNow')).toEqual([]);
  });

  it('names a container that does not exist', async () => {
    await create();
    await things.delete();
    await expect(start(['fromNow'])).rejects.toThrow('There is no container "things" in the database "db"');
  });
});
