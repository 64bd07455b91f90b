/**
 * Whole exchanges with Devin's API, as its documentation gives their shapes, played over real HTTP: each call must be
 * the next one of the exchange. The service documents neither 429 nor 5xx; these follow HTTP (RFC 9110).
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, test } from 'vitest';
import { NO_CONFIG } from '../../../factory/capabilities/config.js';
import { EngineSettingsSchema } from '../../../factory/engines/settings.js';
import { claimOf } from '../support/controlPlane.js';
import { factoryFixture, type FactoryFixture } from '../support/fixture.js';
import { until } from '../support/processes.js';
import { git } from '../support/repository.js';

interface Step {
  readonly exchange: string;
  /** Method and path. */
  readonly request: string;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** The branch is on the remote before this is answered. */
  readonly pushes?: true;
  /** The run is stopped before this is answered. */
  readonly stops?: true;
}

const KEY = 'apk_user_not-a-key';
const STEPS = readFileSync(path.join(import.meta.dirname, 'exchanges', 'devin.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Step);
const stepsOf = (name: string): Step[] => STEPS.filter(({ exchange }) => exchange === name);

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};

/** Answers with the steps in their order; what comes out of order is a mistake, and answered with 599. */
async function play(steps: readonly Step[]) {
  const mistakes: string[] = [];
  const prompts: string[] = [];
  let at = 0;
  let notBefore = 0;
  const on: { pushes: (prompt: string) => void; stops: () => Promise<void> } = {
    pushes() {},
    stops: () => Promise.resolve(),
  };
  const server = createServer((request, response) => {
    void (async () => {
      const said = await bodyOf(request);
      const asked = `${request.method} ${request.url}`;
      const step = steps[at];
      if (request.headers.authorization !== `Bearer ${KEY}`) mistakes.push(`${asked} without the key`);
      if (said !== '') prompts.push((JSON.parse(said) as { prompt: string }).prompt);
      if (step?.request !== asked) {
        mistakes.push(`${asked}, where ${step?.request ?? 'nothing'} was next`);
        return response.writeHead(599).end();
      }
      at += 1;
      if (performance.now() < notBefore) mistakes.push(`${asked} earlier than it was told to`);
      // A timer may fire a moment early.
      notBefore = performance.now() + Number(step.headers?.['retry-after'] ?? 0) * 1000 - 5;
      if (step.pushes) on.pushes(prompts[0] ?? '');
      if (step.stops) await on.stops();
      const text = typeof step.body === 'string' ? step.body : JSON.stringify(step.body);
      return response
        .writeHead(step.status, { 'content-type': 'application/json', ...step.headers })
        .end(text);
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    on,
    mistakes,
    left: () => steps.slice(at).map(({ request }) => request),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Pushes a change to the branch that the prompt names, as Devin does from its own machine. */
function work({ folder, repository }: FactoryFixture, prompt: string): void {
  const branch = /to the branch (\S+) of/.exec(prompt)?.[1] ?? '';
  const clone = path.join(folder, 'far-away');
  mkdirSync(clone);
  git(folder, 'clone', '-q', repository.path, clone);
  writeFileSync(path.join(clone, 'hello.txt'), 'hello\n');
  git(clone, 'add', '-A');
  git(clone, 'commit', '-qm', 'by devin');
  git(clone, 'push', '-q', 'origin', `HEAD:refs/heads/${branch}`);
}

const finished = { kind: 'finished', change: { filesChanged: ['hello.txt'] } };
const failed = (reason: string, message: string) => ({
  kind: 'failed',
  reason,
  message: expect.stringContaining(message) as unknown,
});

/** Each exchange, how its run ends, and what its log says. */
const ENDS: readonly (readonly [string, object, RegExp])[] = [
  [
    'finished',
    { ...finished, usage: { usd: 3.6, accuracy: 'estimated' } },
    /I look at the repository\.\nThe branch is pushed\.\n/,
  ],
  ['blocked with its branch', { ...finished, usage: { accuracy: 'unknown' } }, /Anything else\?/],
  ['blocked without a branch', failed('engine_failed', 'Which colour shall it have?'), /Which colour/],
  ['resumed', finished, /I go on\./],
  ['expired', failed('engine_failed', 'the session is expired\nI begin.'), /I begin\./],
  ['suspended', failed('engine_failed', 'the session is suspend_requested_frontend'), /I sleep\./],
  [
    'key not taken',
    failed('preflight', 'not logged in on this factory: devin: POST /v1/sessions was answered with 401'),
    /preflight/,
  ],
  ['key without the right', failed('preflight', 'answered with 403: {"detail":"Out of quota"}'), /preflight/],
  ['key taken away while it works', failed('preflight', 'answered with 401'), /I begin\./],
  ['request not understood', failed('engine_failed', 'ensure this value is greater than 0'), /engine_failed/],
  ['session gone', failed('engine_failed', 'answered with 404'), /engine_failed/],
  ['busy', finished, /session https:\/\/app\.devin\.ai/],
  ['away for a moment', finished, /I begin\./],
  ['away for good', failed('engine_failed', 'answered with 500'), /engine_failed/],
  ['no JSON', failed('engine_failed', 'no JSON: <html>sign in'), /engine_failed/],
  ['another shape', failed('engine_failed', 'status_enum'), /engine_failed/],
];

const fixtureFor = (url: string): Promise<FactoryFixture> => {
  const env = { DEVIN_API_KEY: KEY, DEVIN_API_URL: url, DEVIN_POLL_MS: '10' };
  return factoryFixture(undefined, {
    config: { ...NO_CONFIG, engines: { devin: EngineSettingsSchema.parse({ env }) } },
  });
};
const claimFor = ({ repository }: FactoryFixture) =>
  claimOf({ repo: repository.path, engine: 'devin', body: 'Say hello' }, { engine: 'devin' });

test.each(ENDS)('an exchange with Devin: %s', async (name, end, log) => {
  await using api = await play(stepsOf(name));
  await using fixture = await fixtureFor(api.url);
  api.on.pushes = (prompt) => work(fixture, prompt);
  const seen = await fixture.execute(claimFor(fixture));
  expect(seen.reports.at(-1)).toMatchObject(end);
  expect(seen.log.toString()).toMatch(log);
  expect({ mistakes: api.mistakes, left: api.left() }).toEqual({ mistakes: [], left: [] });
  expect(JSON.stringify(seen)).not.toContain(KEY);
});

test.each(['stopped by a person', 'stopped before there is an answer'])(
  'an exchange with Devin: %s, and the session ends over there',
  async (name) => {
    await using api = await play(stepsOf(name));
    await using fixture = await fixtureFor(api.url);
    const claim = claimFor(fixture);
    api.on.stops = async () => {
      fixture.drain.abort();
      // The run is over for the factory before the service answers.
      if (name === 'stopped before there is an answer') await until(() => isOver);
    };
    let isOver = false;
    const seen = await fixture.execute(claim).finally(() => {
      isOver = true;
    });
    expect(seen.reports.at(-1)).toMatchObject({ kind: 'released' });
    await until(() => api.left().length === 0);
    expect(api.mistakes).toEqual([]);
  },
);

test('every exchange is played', () => {
  const played = [...ENDS.map(([name]) => name), 'stopped by a person', 'stopped before there is an answer'];
  expect([...new Set(STEPS.map(({ exchange }) => exchange))].toSorted()).toEqual(played.toSorted());
});
