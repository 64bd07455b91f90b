import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENGINES, ManifestSchema, PRIORITIES, RETRY_REASONS } from '../../shared/contract/manifest.js';
import type { Manifest, ManifestInput } from '../../shared/contract/manifest.js';
import type { Problem } from '../../shared/errors.js';
import { parseManifest, validateManifest } from '../../shared/manifest.js';
import type { ManifestResult } from '../../shared/manifest.js';
import { readJsonText } from '../../shared/manifest/json.js';
import { readSource } from '../../shared/manifest/source.js';
import { nearestName } from '../../shared/manifest/nearest.js';
import { INVALID } from './manifest/invalid.js';
import { VALID } from './manifest/valid.js';
import { fieldsOf } from './manifest/fieldsOf.js';

const accepted = (result: ManifestResult): Manifest =>
  result.kind === 'ok' ? result.manifest : expect.fail(JSON.stringify(result.problems));
const refused = (result: ManifestResult): Problem[] =>
  result.kind === 'invalid' ? result.problems : expect.fail('accepted');
const field = (line: string): Manifest => accepted(parseManifest(`---\n${line}\n---\nDo it.`));

describe('a manifest', () => {
  it('is a prompt with everything else defaulted', () => {
    expect(accepted(parseManifest('Fix the login page.'))).toEqual(
      ManifestSchema.parse({ body: 'Fix the login page.' }),
    );
  });

  it('of the oldest form stays valid, and its checkout is its repository', () => {
    const old = accepted(parseManifest('---\nengine: claude\ncwd: /srv/app\nyolo: true\n---\nDo it.'));
    expect(old).toMatchObject({ engine: 'claude', cwd: '/srv/app', repo: '/srv/app', yolo: true });
  });

  it.each(VALID)('takes %s', (line, expected) => {
    expect(field(line)).toMatchObject(expected);
  });

  it('tells the fields that were written from those that got a default', () => {
    expect(parseManifest('---\nbase-branch: main\n---\nDo it.')).toMatchObject({
      given: ['base-branch', 'body'],
    });
    expect(parseManifest('Do it.')).toMatchObject({ given: ['body'] });
  });

  it('keeps its prompt as it is, below any number of blank lines and above any rule', () => {
    const body = '# Title\n\n---\nnot front matter\n  indented\n';
    expect(accepted(parseManifest(`\n---\nengine: shell\n---\n\n\n${body}`)).body).toBe(body);
  });

  it('may come from Windows and with a byte-order mark', () => {
    const text = '\uFEFF---\r\nengine: shell\r\n---\r\necho a\r\necho b\r\n';
    expect(accepted(parseManifest(text))).toMatchObject({ engine: 'shell', body: 'echo a\necho b\n' });
  });

  it('is the same as front matter and as JSON', () => {
    const json = '{"engine": "shell", "timeout": "5m", "body": "Do it."}';
    const front = '---\nengine: shell\ntimeout: 5m\n---\nDo it.';
    expect(accepted(parseManifest(json))).toEqual(accepted(parseManifest(front)));
    expect(accepted(validateManifest(JSON.parse(json)))).toEqual(accepted(parseManifest(front)));
  });
});

describe('text in a manifest', () => {
  const NUL = String.fromCharCode(0);
  const HALF = String.fromCharCode(0xd800);

  it.each(['title', 'lock', 'idempotency-key', 'repo', 'base-branch', 'targetFactoryId', 'verify', 'body'])(
    'is refused with a NUL or half of a character in %s, naming the place',
    (name) => {
      for (const [character, code] of [
        [NUL, 'U+0000'],
        [HALF, 'U+D800'],
      ]) {
        const problems = refused(validateManifest({ body: 'Do it.', [name]: `ab${character}c` }));
        expect(problems).toMatchObject([
          { path: name, expected: expect.stringContaining(`${code}`) as unknown },
        ]);
      }
    },
  );

  it('is one line in a title, and may have lines, tabs and pasted colours in a prompt', () => {
    expect(refused(validateManifest({ title: 'a\nb', body: 'x' }))).toHaveLength(1);
    const body = 'one\r\n\ttwo \u001B[31mred\u001B[0m 👍';
    expect(accepted(validateManifest({ body, verify: 'a &&\n\tb' })).body).toBe(body);
  });
});

describe('the parser', () => {
  it.each(INVALID)('refuses $name', ({ text, problems }) => {
    const told = refused(parseManifest(text)).map(
      ({ path, line, column, nearest }) =>
        `${path} ${line}:${column}${nearest === undefined ? '' : ` → ${nearest}`}`,
    );
    expect(told).toEqual(problems);
  });

  it('has more than 40 kinds of them, and each is another one', () => {
    expect(INVALID.length).toBeGreaterThanOrEqual(40);
    expect(new Set(INVALID.map(({ text }) => text)).size).toBe(INVALID.length);
  });

  it('says for every field what it expects', () => {
    const silent = INVALID.flatMap(({ text }) => refused(parseManifest(text))).filter(
      ({ path, message, expected }) =>
        path !== '' && !message.includes('second time') && expected === undefined,
    );
    expect(silent).toEqual([]);
  });

  it('says it in words for people', () => {
    expect(refused(parseManifest('---\nengine: cluade\n---\nx'))).toEqual([
      {
        path: 'engine',
        message: 'engine is "cluade"',
        expected: `one of ${ENGINES.join(', ')}`,
        nearest: 'claude',
        line: 2,
        column: 9,
      },
    ]);
    expect(refused(parseManifest('---\nbase-branch: 1.0\n---\nx'))[0]?.message).toContain('in quotes');
  });

  it('shows only the start of a long value, and answers a flood with a bounded list', () => {
    const long = refused(parseManifest(`---\nengine: ${'x'.repeat(5000)}\n---\ny`));
    expect(long[0]?.message.length).toBeLessThan(100);
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`k${n}`, 1]));
    expect(refused(validateManifest(many)).length).toBeLessThanOrEqual(100);
  });

  it.each([[null], [[]], ['text'], [5], [undefined]])('refuses %j instead of a map', (value) => {
    expect(refused(validateManifest(value))[0]?.expected).toBe('a map of fields');
  });

  it('tells no lines where there was no text', () => {
    expect(refused(validateManifest({ body: 'x', engine: 'x' }))[0]).not.toHaveProperty('line');
  });

  it('has an answer to any text', () => {
    const pieces = fc.constantFrom(
      '---\n',
      'engine: ',
      'shell',
      '{',
      '"body"',
      ':',
      '[',
      ']',
      '}',
      '\n',
      '- ',
      '&a ',
      '*a',
      '"',
      "'",
      '|',
      '\t',
      ',',
      '!!map',
      '\\',
      '#',
      '\r\n',
      '? ',
    );
    const texts = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 30 }).map((list) => list.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const result = parseManifest(text);
        const problems = result.kind === 'invalid' ? result.problems : [];
        const lines = text.split('\n').length + 1;
        const lost = problems.filter(({ line = 0, column = 0 }) => line < 1 || line > lines || column < 1);
        expect(lost).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a manifest that was accepted', () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
  const duration = fc
    .tuple(fc.integer({ min: 1, max: 29 }), fc.constantFrom('s', 'm', 'h', 'd'))
    .map((all) => all.join(''));
  const inputs: fc.Arbitrary<ManifestInput> = fc.record(
    {
      title: word,
      engine: fc.constantFrom(...ENGINES),
      repo: word,
      lock: fc.string({ minLength: 1, maxLength: 20 }),
      timeout: duration,
      verify: fc.string({ minLength: 1, maxLength: 50 }),
      capabilities: fc.array(word, { maxLength: 5 }),
      priority: fc.constantFrom(...PRIORITIES),
      budget: fc.record(
        { usd: fc.integer({ min: 1, max: 9 }), tokens: fc.constant('2M'), wall: duration },
        { requiredKeys: [] },
      ),
      retry: fc.record(
        { max: fc.nat(20), backoff: duration, on: fc.subarray([...RETRY_REASONS]) },
        { requiredKeys: [] },
      ),
      yolo: fc.boolean(),
      body: fc.string({ minLength: 1 }).filter((text) => text.trim() !== ''),
    },
    { requiredKeys: ['body'] },
  );

  it('is read back from what it was stored as', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const once = accepted(validateManifest(input));
        expect(accepted(validateManifest(once))).toEqual(once);
        expect(accepted(parseManifest(JSON.stringify(once, null, 2)))).toEqual(once);
      }),
    );
  });
});

describe('the JSON reader', () => {
  it('reads what JSON.parse reads, as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.constantFrom(undefined, 1, '\t'), (text, indent) => {
        const value: unknown = JSON.parse(text);
        const written = JSON.stringify(value, null, indent);
        const read = readJsonText(written);
        expect(read.kind === 'ok' && JSON.stringify(read.value)).toBe(JSON.stringify(value));
      }),
    );
  });

  it('refuses what JSON.parse refuses', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"a"',
      ':',
      ',',
      '1',
      '-',
      '.5',
      'e3',
      'true',
      'nul',
      ' ',
      '"\\x"',
      '\u0000',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (list) => {
        const text = list.join('');
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        const read = readJsonText(text);
        // A repeated name is the one thing on which they differ here.
        const repeated = read.kind === 'invalid' && read.message.includes('second time');
        expect(read.kind === 'ok' || repeated).toBe(valid || repeated);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the nearest name', () => {
  it.each([
    ['cluade', 'claude'],
    ['codx', 'codex'],
    ['CLAUDE', 'claude'],
    ['sh', undefined],
    ['zzz', undefined],
    ['', undefined],
    ['x'.repeat(10_000), undefined],
  ])('to %s is %s', (written, nearest) => {
    expect(nearestName(written, ENGINES)).toBe(nearest);
  });
});

describe('the fixtures', () => {
  const fields = fieldsOf(ManifestSchema);

  it('walk the schema', () => {
    expect(fields).toEqual(
      expect.arrayContaining(['engine', 'budget.usd', 'review-policy.quorum', 'retry.on']),
    );
  });

  it.each(fields)('have a valid case that writes %s', (path) => {
    const written = VALID.map(([line]) => {
      const read = readSource(`---\n${line}\n---\nDo it.`);
      return read.kind === 'ok' ? fieldsIn(read.source.value) : [];
    });
    expect(written.flat()).toContain(path);
  });

  it.each(fields)('have an invalid case about %s', (path) => {
    const told = INVALID.flatMap(({ problems }) => problems.map((problem) => problem.split(' ')[0]));
    expect(told.filter((one) => `${one}.`.startsWith(`${path}.`))).not.toEqual([]);
  });
});

/** Dotted paths of all that a value has. */
function fieldsIn(value: unknown, above = ''): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) => [
    above + name,
    ...fieldsIn(inner, `${above}${name}.`),
  ]);
}
