// Whatever comes over HTTP to the broker's port: an answer of the service, never a crash.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signSas } from '../../../local/servicebus/auth.js';
import { startServiceBus, type ServiceBus } from '../../../local/servicebus/server.js';
import { fuzzRuns, timeFor } from '../effort.js';
import { sendBytes, sendTo } from '../http.js';

const RUNS = fuzzRuns(800);
/** A connection each. */
const RAW_RUNS = Math.min(fuzzRuns(100), 5_000);
const key = { name: 'root', value: 'c2VjcmV0' };
const logged: string[] = [];
let bus: ServiceBus;

beforeAll(async () => {
  bus = await startServiceBus({ queues: [{ name: 'q' }], key, log: (line) => logged.push(line) });
});
afterAll(() => bus.close());

const token = (resource: string): string => signSas(key, resource, Date.now() + 3_600_000);

const DESCRIPTION =
  '<entry xmlns="http://www.w3.org/2005/Atom"><content type="application/xml"><QueueDescription ' +
  'xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"><LockDuration>PT1M</LockDuration>' +
  '<MaxSizeInMegabytes>1024</MaxSizeInMegabytes><RequiresSession>true</RequiresSession><MaxDeliveryCount>3' +
  '</MaxDeliveryCount></QueueDescription></content></entry>';

const edited = fc
  .array(fc.tuple(fc.nat(DESCRIPTION.length), fc.string({ unit: 'grapheme', maxLength: 4 })), {
    maxLength: 4,
  })
  .map((edits) =>
    edits.reduce((text, [at, put]) => text.slice(0, at) + put + text.slice(at + 1), DESCRIPTION),
  );
const path = fc.oneof(
  fc.constantFrom('/q', '/Q/', '/new', '/a/b', '/$Resources/Queues', '/$namespaceinfo', '/t/Subscriptions/s'),
  fc.constantFrom('/', '//', '/%E0%A4%A', '/%00', '/q%2F', '/..', '/q/$management'),
  fc.webPath({ size: 'small' }).map((tail) => (tail.startsWith('/') ? tail : `/${tail}`)),
);
const query = fc.oneof(
  fc.constantFrom('', '?api-version=2021-05', '?$skip=0&$top=1', '?$skip=-5&$top=x', '?$top=1e9', '?%'),
  fc.webQueryParameters({ size: 'small' }).map((text) => `?${text}`),
);
const authorization = fc.oneof(
  { weight: 6, arbitrary: fc.constant(token('sb://127.0.0.1/')) },
  { weight: 1, arbitrary: fc.constantFrom('', 'Bearer x', 'SharedAccessSignature sr=%&sig=%&se=%&skn=root') },
  { weight: 1, arbitrary: fc.nat(200).map((at) => token('sb://127.0.0.1/').slice(0, at)) },
);
const headers = fc.dictionary(
  fc.constantFrom('if-match', 'content-type', 'x-odd', 'accept'),
  fc.constantFrom('*', '"x"', 'application/atom+xml', ''),
  { maxKeys: 3 },
);

const body = fc.oneof(
  fc.constant(DESCRIPTION),
  edited,
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constant('<'.repeat(70_000)),
);

describe('the administration', () => {
  it(
    'is never a 500, whatever comes',
    async () => {
      const statuses = new Set<number>();
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom('GET', 'PUT', 'DELETE', 'POST', 'PATCH'),
          fc.tuple(path, query).map(([one, other]) => one + other),
          authorization,
          headers,
          body,
          async (method, target, signature, more, text) => {
            const answer = await sendTo(
              bus.port,
              method,
              target,
              { authorization: signature, ...more },
              method === 'GET' ? undefined : text,
            );
            statuses.add(answer.status);
            expect(answer.status).toBeLessThan(500);
          },
        ),
        { numRuns: RUNS },
      );
      expect(logged).toEqual([]);
      for (const status of [200, 201, 400, 401, 404]) expect(statuses).toContain(status);
    },
    timeFor(RUNS, 10),
  );

  it(
    'outlives bytes that are no request',
    async () => {
      const almost = fc.tuple(
        fc.constantFrom('GET / HTTP/1.1\r\n', 'PUT /q HTTP/1.1\r\ncontent-length: 9\r\n', 'AMQP\x00\x01', ''),
        fc.uint8Array({ maxLength: 40 }),
      );
      await fc.assert(
        fc.asyncProperty(almost, async ([start, rest]) => {
          await sendBytes(bus.port, Buffer.concat([Buffer.from(start, 'latin1'), rest]));
        }),
        { numRuns: RAW_RUNS },
      );
      expect(logged).toEqual([]);
      const answer = await sendTo(bus.port, 'GET', '/', { authorization: token('sb://127.0.0.1/') });
      expect(answer.status).toBeLessThan(500);
    },
    timeFor(RAW_RUNS, 200),
  );
});
