import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MASK,
  findSecrets,
  openSecretAt,
  redactDeep,
  redactSecrets,
  secretsIn,
} from '../../../shared/rules/secrets.js';
import { SECRETS } from '../../support/secrets.js';

const kinds = Object.entries(SECRETS);

describe('secrets', () => {
  it.each(kinds)('%s is found wherever it stands, and what stands around it stays', (kind, secret) => {
    for (const [before, after] of [
      ['', ''],
      ['token: "', '"\nmore'],
      ['x\n', ' y'],
      ['(', ')'],
    ] as const) {
      const found = findSecrets(before + secret + after);
      expect(found.map((one) => one.kind)).toEqual([kind]);
      const clean = redactSecrets(before + secret + after);
      expect(clean).toContain(MASK);
      expect(clean.endsWith(after)).toBe(true);
      expect(clean).not.toContain(secret.slice(-20));
    }
  });

  it.each([
    'the sk- prefix and npm_config_cache, eyJ alone, https://example.com:8080/a@b',
    'postgres://user:password@db.example.com/shop and https://user:${TOKEN_VALUE}@github.com/a.git',
    'AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
    'commit 6b1f2c0e3d4a5968778695a4b3c2d1e0f9a8b7c6, sha512-AbCdEf0123456789AbCdEf0123456789AbCdEf0123456789==',
    'git@github.com:acme/shop.git, ssh://git@host/repo, -----BEGIN PUBLIC KEY-----',
  ])('are not seen in %s', (text) => {
    expect(findSecrets(text)).toEqual([]);
  });

  it('are told by their place and kind, and never by what they are', () => {
    const [, secret] = kinds[2] ?? ['', ''];
    const value = { a: ['x', { body: `say ${secret}` }], n: 1, none: null };
    expect(secretsIn(value)).toEqual([{ path: ['a', 1, 'body'], kind: 'a GitHub token', line: 0 }]);
    expect(redactDeep(value)).toEqual({ a: ['x', { body: `say ${MASK}` }], n: 1, none: null });
  });

  it.each(kinds)('%s is held back as long as its rest may come', (_, secret) => {
    for (let cut = 0; cut < secret.length; cut += 1) {
      const begun = `line one\nprefix ${secret.slice(0, cut)}`;
      const open = openSecretAt(begun);
      // What was let go holds no part of it, but for a few characters that say nothing.
      expect(open - 'line one\nprefix '.length).toBeLessThanOrEqual(Math.min(cut, 14));
    }
  });

  it('take time in proportion to the text, whatever is in it', () => {
    const pieces = fc.constantFrom(
      ...kinds.map(([, secret]) => secret.slice(0, 30)),
      '-----BEGIN ',
      'a',
      ' ',
      '://a:',
    );
    fc.assert(
      fc.property(fc.array(pieces, { minLength: 500, maxLength: 2000 }), (parts) => {
        const text = parts.join('');
        const startedAt = performance.now();
        redactSecrets(text);
        openSecretAt(text);
        expect(performance.now() - startedAt).toBeLessThan(5000);
      }),
      { numRuns: 20 },
    );
  });
});
