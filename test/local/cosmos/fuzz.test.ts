// Whatever comes over the wire or stands in a query: an error of the service, never a crash.
import type { Container } from '@azure/cosmos';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CosmosError } from '../../../local/cosmos/errors.js';
import { parseQuery } from '../../../local/cosmos/sql/parser.js';
import { fuzzRuns, timeFor } from '../effort.js';
import { send, signed, startCloud, type Cloud } from './fixture.js';

const RUNS = fuzzRuns(1500);

let cloud: Cloud;
let container: Container;
const logged: string[] = [];

beforeAll(async () => {
  cloud = await startCloud({ log: (message) => logged.push(message) });
  container = await cloud.container();
  await container.items.create({ id: 'one', pk: 'p' });
});
afterAll(() => cloud.close());

/** Whether an error has the body without which the client breaks. */
function isErrorBody(text: string): boolean {
  const body = JSON.parse(text) as Record<string, unknown>;
  return typeof body['code'] === 'string' && typeof body['message'] === 'string';
}

function outcomeOf(query: string): string {
  try {
    parseQuery(query);
    return 'parsed';
  } catch (error) {
    return error instanceof CosmosError ? `${error.status} ${error.message}` : String(error);
  }
}

describe('the front', () => {
  it(
    'is never a 500, whatever comes',
    async () => {
      const json = fc.oneof(fc.json({ maxDepth: 3 }), fc.string({ maxLength: 40 }));
      const docs = `/dbs/test/colls/${container.id}/docs`;
      const path = fc.oneof(
        fc.constantFrom(
          '/',
          '/dbs',
          '/dbs/test',
          '/dbs/test/colls',
          docs,
          docs,
          docs,
          `${docs}/one`,
          `/dbs/test/colls/${container.id}`,
          `/dbs/test/colls/${container.id}/pkranges`,
          '/offers',
          '/$faults',
        ),
        fc.array(fc.webPath({ size: 'small' }), { maxLength: 3 }).map((parts) => `/${parts.join('/')}`),
      );
      const value = fc.oneof(
        fc.constantFrom(
          'true',
          'True',
          '*',
          '0',
          '-1',
          '5',
          '["p"]',
          '["p","q"]',
          '[{}]',
          '"1"',
          'Incremental Feed',
          'application/query+json',
          '0:-1#999',
        ),
        fc.string({ unit: 'grapheme-ascii', maxLength: 20 }).map((text) => text.trim()),
      );
      const names = [
        'x-ms-documentdb-partitionkey',
        'x-ms-documentdb-partitionkeyrangeid',
        'x-ms-documentdb-isquery',
        'x-ms-cosmos-is-query-plan-request',
        'x-ms-cosmos-is-batch-request',
        'x-ms-cosmos-batch-atomic',
        'x-ms-documentdb-is-upsert',
        'x-ms-continuation',
        'x-ms-max-item-count',
        'x-ms-session-token',
        'if-match',
        'if-none-match',
        'if-modified-since',
        'a-im',
        'content-type',
        'x-ms-start-epk',
        'x-ms-end-epk',
        'prefer',
      ];
      const body = fc.oneof(
        json,
        fc
          .record({
            query: fc.oneof(
              fc.string(),
              fc.constantFrom(
                'SELECT * FROM c',
                'SELECT VALUE COUNT(1) FROM c',
                'SELECT c.x FROM c ORDER BY c.x DESC',
                'SELECT * FROM c WHERE c.a = @a',
              ),
            ),
            parameters: fc.oneof(fc.constant([]), fc.jsonValue()),
          })
          .map((query) => JSON.stringify(query)),
        fc
          .array(
            fc.record(
              {
                operationType: fc.constantFrom(
                  'Create',
                  'Upsert',
                  'Patch',
                  'Read',
                  'Delete',
                  'Replace',
                  'Odd',
                ),
                id: fc.string(),
                resourceBody: fc.jsonValue(),
                partitionKey: fc.constantFrom('["p"]', 'x'),
              },
              { requiredKeys: [] },
            ),
            { maxLength: 3 },
          )
          .map((operations) => JSON.stringify(operations)),
      );
      logged.length = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE'),
          path,
          fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 5 }),
          body,
          async (method, target, headers, text) => {
            fc.pre(
              !(method === 'DELETE' && !target.includes('docs')) &&
                !(method === 'POST' && target === '/$faults'),
            );
            const answer = await send(
              cloud.server,
              method,
              target,
              { ...signed(method, target), ...headers },
              method === 'GET' ? undefined : text,
            );
            expect(answer.status).toBeLessThan(500);
            expect(answer.status < 400 || isErrorBody(answer.body)).toBe(true);
          },
        ),
        { numRuns: RUNS },
      );
      expect(logged).toEqual([]);
    },
    timeFor(RUNS, 10),
  );
});

describe('a query', () => {
  it(
    'is a syntax error with its place, whatever stands in a query',
    () => {
      const word = fc.constantFrom(
        'SELECT',
        'VALUE',
        '*',
        'FROM',
        'c',
        'WHERE',
        '(',
        ')',
        '[',
        ']',
        '{',
        '}',
        '.',
        ',',
        '=',
        'AND',
        'NOT',
        'IN',
        'BETWEEN',
        'ORDER',
        'BY',
        'GROUP',
        'TOP',
        '1',
        "'a'",
        '@p',
        '-',
        '?',
        ':',
        'COUNT',
        'IS_DEFINED',
        'a',
        '"b"',
        'OFFSET',
        'LIMIT',
      );
      fc.assert(
        fc.property(
          fc.oneof(
            fc.array(word, { maxLength: 14 }).map((words) => words.join(' ')),
            fc.array(word, { maxLength: 8 }).map((words) => `SELECT * FROM c WHERE ${words.join(' ')}`),
            fc.string({ unit: 'binary' }),
          ),
          (text) => {
            expect(outcomeOf(text)).toMatch(/^(parsed|400 .*line \d+, column \d+)/s);
          },
        ),
        { numRuns: fuzzRuns(5000) },
      );
    },
    timeFor(fuzzRuns(5000), 2),
  );
});
