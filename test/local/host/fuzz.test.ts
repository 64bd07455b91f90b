// Whatever comes over HTTP to the host: an answer, never a crash, and no error that nobody caused on purpose.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Host } from '../../../local/host/host.js';
import { fuzzRuns, timeFor } from '../effort.js';
import { sendBytes, sendTo } from '../http.js';
import { Journal, startFixture } from './fixture.js';

const RUNS = fuzzRuns(800);
/** A connection each. */
const RAW_RUNS = Math.min(fuzzRuns(100), 5_000);

/** What the two ways of serving HTTP have in common. */
const PATHS = {
  commonjs: ['/api/hello', '/api/ECHO/7/x%20y', '/api/echo/seven', '/api/precedence/12', '/api/guarded'],
  streaming: ['/api/plain/7', '/api/count', '/api/plain/%00'],
} as const;

const odd = [
  '/',
  '//',
  '/api',
  '/api/',
  '/api/%E0%A4%A',
  '/api/hello/%',
  '/admin/functions',
  '/admin/host/status',
];
const admin = [
  '/admin/functions/%E0%A4%A',
  '/admin/functions/hello',
  '/admin/functions/everySecond',
  '/admin/x',
];
const names = [
  'x-functions-key',
  'origin',
  'access-control-request-method',
  'content-type',
  'traceparent',
  'cookie',
];

describe.each(['commonjs', 'streaming'] as const)('the HTTP front of a host, %s', (app) => {
  const journal = new Journal();
  let host: Host;
  beforeAll(async () => {
    host = await startFixture(app, {
      log: journal.write,
      masterKey: 'master',
      cors: { origins: ['https://console.example'], credentials: true },
      settings: { TIMER_SCHEDULE: '0 0 0 1 1 *', FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '100000' },
    });
  });
  afterAll(() => host.close());

  it(
    'is never a 500, whatever comes',
    async () => {
      const path = fc.oneof(
        fc.constantFrom(...PATHS[app], ...PATHS[app], ...odd, ...admin),
        fc.webPath({ size: 'small' }).map((tail) => `/api/precedence${tail}`),
        fc
          .string({ unit: 'grapheme-ascii', maxLength: 20 })
          .map((tail) => `/api/${tail.replaceAll(' ', '')}`),
      );
      const query = fc.oneof(
        fc.constantFrom('', '?', '?code=master', '?%', '?a=1&a=2'),
        fc.webQueryParameters({ size: 'small' }).map((text) => `?${text}`),
      );
      const value = fc.oneof(
        fc.constantFrom('master', '*', 'https://console.example', 'application/json', '00-0-0-00', '{'),
        fc.string({ unit: 'grapheme-ascii', maxLength: 20 }).map((text) => text.trim()),
      );
      const body = fc.oneof(
        fc.json({ maxDepth: 2 }),
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.constant('{"input":""}'),
        fc.constant('x'.repeat(100_001)),
      );
      const statuses = new Set<number>();
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH'),
          fc.tuple(path, query).map(([one, other]) => one + other),
          fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 4 }),
          body,
          async (method, target, headers, text) => {
            const mayHaveBody = method !== 'GET' && method !== 'HEAD';
            const answer = await sendTo(host.port, method, target, headers, mayHaveBody ? text : undefined);
            statuses.add(answer.status);
            expect(answer.status).toBeLessThan(500);
          },
        ),
        { numRuns: RUNS },
      );
      expect(journal.entries.filter(({ level }) => level === 'error')).toEqual([]);
      expect(host.stats.workerRestarts).toBe(0);
      for (const status of [200, 401, 404]) expect(statuses).toContain(status);
    },
    timeFor(RUNS, 10),
  );

  it(
    'outlives bytes that are no request',
    async () => {
      const start = fc.constantFrom(
        'GET / HTTP/1.1\r\n',
        'POST /api/hello HTTP/1.1\r\ncontent-length: 9\r\n',
        '',
      );
      await fc.assert(
        fc.asyncProperty(start, fc.uint8Array({ maxLength: 40 }), async (text, rest) => {
          await sendBytes(host.port, Buffer.concat([Buffer.from(text, 'latin1'), rest]));
        }),
        { numRuns: RAW_RUNS },
      );
      expect((await sendTo(host.port, 'GET', '/', {})).status).toBe(200);
      expect(host.stats.workerRestarts).toBe(0);
    },
    timeFor(RAW_RUNS, 200),
  );
});
