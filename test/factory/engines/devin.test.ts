/** Devin's API, played over real HTTP: it pushes a branch, as Devin does from its own machine. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { devin } from '../../../factory/engines/devin.js';
import { EngineSettingsSchema } from '../../../factory/engines/settings.js';
import { claimOf } from '../support/controlPlane.js';
import { factoryFixture, type FactoryFixture } from '../support/fixture.js';
import { git } from '../support/repository.js';
import { NO_CONFIG } from '../../../factory/capabilities/config.js';

interface Played extends AsyncDisposable {
  readonly url: string;
  readonly calls: {
    readonly method: string;
    readonly path: string;
    readonly body: Record<string, unknown>;
  }[];
}

/** @param look what a look at the session answers, by its number */
async function play(
  look: (number: number, calls: Played['calls']) => { status?: number; body: object },
  createStatus = 200,
): Promise<Played> {
  const calls: Played['calls'] = [];
  let looks = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const said = Buffer.concat(chunks).toString();
      const body = (said === '' ? {} : JSON.parse(said)) as Record<string, unknown>;
      calls.push({ method: request.method ?? '', path: request.url ?? '', body });
      if (request.method === 'GET') looks += 1;
      const answer =
        request.method === 'POST'
          ? {
              status: createStatus,
              body: {
                session_id: 'devin-1',
                url: 'https://app.example.invalid/devin-1',
                is_new_session: true,
              },
            }
          : request.method === 'GET'
            ? look(looks, calls)
            : { body: { detail: 'terminated' } };
      response
        .writeHead(answer.status ?? 200, { 'content-type': 'application/json' })
        .end(JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const factoryWith = (api: Played, stallSeconds = 60): Promise<FactoryFixture> =>
  factoryFixture(undefined, {
    config: {
      ...NO_CONFIG,
      engines: {
        devin: EngineSettingsSchema.parse({
          env: { DEVIN_API_KEY: 'not-a-key-but-long', DEVIN_API_URL: api.url, DEVIN_POLL_MS: '20' },
          stallSeconds,
        }),
      },
    },
  });

/** Pushes a change to the branch that the prompt names. */
function work(fixture: FactoryFixture, prompt: string): void {
  const branch = /to the branch (\S+) of/.exec(prompt)?.[1] ?? '';
  const clone = path.join(fixture.folder, 'far-away');
  mkdirSync(clone);
  git(fixture.folder, 'clone', '-q', fixture.repository.path, clone);
  writeFileSync(path.join(clone, 'hello.txt'), 'hello\n');
  git(clone, 'add', '-A');
  git(clone, 'commit', '-qm', 'by devin');
  git(clone, 'push', '-q', 'origin', `HEAD:refs/heads/${branch}`);
}

const messages = (...texts: readonly string[]) =>
  texts.map((message, at) => ({ event_id: String(at), type: 'devin_message', message }));

test('takes the branch that it pushed, and ends the session over there', async () => {
  let fixture: FactoryFixture | undefined;
  await using api = await play((number, calls) => {
    if (number === 3 && fixture) work(fixture, String(calls[0]?.body['prompt']));
    const status_enum = number < 4 ? 'working' : 'blocked';
    return {
      body: {
        status_enum,
        messages: messages('I look at it.', ...(number < 4 ? [] : ['It is pushed.'])),
        acus_consumed: 2,
      },
    };
  });
  await using running = await factoryWith(api);
  fixture = running;
  const manifest = {
    repo: running.repository.path,
    engine: 'devin',
    body: 'Say hello',
    budget: { usd: 9 },
  } as const;
  const seen = await running.execute(claimOf(manifest, { engine: 'devin' }));
  expect(seen.reports.at(-1)).toMatchObject({
    kind: 'finished',
    change: { filesChanged: ['hello.txt'] },
    usage: { usd: 4.5, accuracy: 'estimated' },
  });
  expect(seen.log.toString()).toMatch(/I look at it\.\nIt is pushed\.\n/);
  expect(api.calls[0]?.body).toMatchObject({ idempotent: true, max_acu_limit: 4 });
  expect(api.calls.at(-1)).toMatchObject({ method: 'DELETE', path: '/v1/sessions/devin-1' });
});

test('says what it waits for when it stops without a branch, and that nobody knows the cost', async () => {
  await using api = await play(() => ({
    body: { status_enum: 'blocked', messages: messages('Which colour?') },
  }));
  await using fixture = await factoryWith(api);
  const seen = await fixture.execute(
    claimOf({ repo: fixture.repository.path, engine: 'devin', body: 'Say hello' }, { engine: 'devin' }),
  );
  expect(seen.reports.at(-1)).toMatchObject({
    kind: 'failed',
    reason: 'engine_failed',
    message: expect.stringContaining('Which colour?'),
    usage: { accuracy: 'unknown' },
  });
});

test('a key that is not taken fails before anything begins', async () => {
  await using api = await play(() => ({ body: {} }), 401);
  await using fixture = await factoryWith(api);
  const seen = await fixture.execute(
    claimOf({ repo: fixture.repository.path, engine: 'devin', body: 'Say hello' }, { engine: 'devin' }),
  );
  expect(seen.reports.at(-1)).toMatchObject({
    kind: 'failed',
    reason: 'preflight',
    message: expect.stringContaining('not logged in'),
  });
  expect(api.calls).toHaveLength(1);
});

test('outlives an API that is away for a moment; silence and dollars end it', async () => {
  await using api = await play((number) =>
    number < 4
      ? { status: 503, body: {} }
      : { body: { status_enum: 'working', messages: [], acus_consumed: 3 } },
  );
  await using fixture = await factoryWith(api, 1);
  const run = (budget: object) =>
    fixture.execute(
      claimOf(
        { repo: fixture.repository.path, engine: 'devin', body: 'Say hello', budget },
        { engine: 'devin' },
      ),
    );
  expect((await run({})).reports.at(-1)).toMatchObject({
    kind: 'failed',
    reason: 'timeout',
    message: expect.stringContaining('hung'),
  });
  expect((await run({ usd: 5 })).reports.at(-1)).toMatchObject({
    kind: 'failed',
    reason: 'budget',
    usage: { usd: 6.75 },
  });
});

test('is there where its key is', async () => {
  const settings = EngineSettingsSchema.parse({});
  expect(await devin.probe({}, settings)).toBeUndefined();
  expect(await devin.probe({ DEVIN_API_KEY: 'x' }, settings)).toMatchObject({
    loggedIn: true,
    credential: 'DEVIN_API_KEY',
  });
});
