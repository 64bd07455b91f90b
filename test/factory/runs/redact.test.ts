import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Redactor } from '../../../factory/runs/redact.js';
import { MASK } from '../../../shared/rules/secrets.js';
import { SECRETS } from '../../support/secrets.js';

test('replaces secrets in text, the longer one first', () => {
  const redactor = new Redactor(['key-12345678', 'Endpoint=x;Key=key-12345678']);
  expect(redactor.text('a Endpoint=x;Key=key-12345678 b key-12345678')).toBe(`a ${MASK} b ${MASK}`);
});

test('does not take a short word for a secret', () => {
  expect(new Redactor(['test', undefined, '']).text('a test')).toBe('a test');
});

test('finds secrets wherever a stream is cut', () => {
  const secret = 'abcabcabd';
  const piece = fc.oneof(fc.constant(secret), fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd') }));
  fc.assert(
    fc.property(fc.array(piece), fc.array(fc.nat(40)), (pieces, cuts) => {
      const text = pieces.join('');
      const stream = new Redactor([secret]).stream();
      let out = '';
      let from = 0;
      for (const cut of [...cuts.map((n) => n % (text.length + 1)).sort((a, b) => a - b), text.length]) {
        out += stream.write(Buffer.from(text.slice(from, cut))).toString();
        from = cut;
      }
      out += stream.end().toString();
      expect(out).toBe(text.replaceAll(secret, MASK));
    }),
  );
});

test('holds nothing back that cannot begin a secret', () => {
  const stream = new Redactor(['secret-token']).stream();
  expect(stream.write(Buffer.from('progress 50%')).toString()).toBe('progress 50%');
  expect(stream.write(Buffer.from(' secret-')).toString()).toBe(' ');
  expect(stream.write(Buffer.from('shop')).toString()).toBe('secret-shop');
});

test('blackens what looks like a secret wherever a stream is cut, and nothing else', () => {
  const secret = fc.constantFrom(...Object.values(SECRETS));
  const plain = fc.constantFrom('hello ', 'line\n', 'größe ', 'a-b_c=d/', 'sk', 'eyJ ', '50% ');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(plain, secret), { maxLength: 6 }),
      fc.array(fc.nat(4000)),
      (parts, cuts) => {
        const bytes = Buffer.from(parts.map(([text, one]) => `${text}\n${one}\n`).join(''));
        const stream = new Redactor().stream();
        const out: Buffer[] = [];
        let from = 0;
        for (const cut of [...cuts.map((n) => n % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
          out.push(stream.write(bytes.subarray(from, cut)));
          from = cut;
        }
        out.push(stream.end());
        const text = Buffer.concat(out).toString();
        for (const [before, one] of parts) {
          expect(text).toContain(before);
          expect(text).not.toContain(one.slice(-24));
        }
      },
    ),
  );
});

test('knows the credentials in the environment by the names of their variables', () => {
  const redactor = new Redactor();
  redactor.knowEnvironment({
    MY_API_KEY: 'abcdefgh-1',
    DB_PASSWORD: 'hunter2hunter2',
    HOME: '/home/ann-smith',
  });
  expect(redactor.text('abcdefgh-1 hunter2hunter2 /home/ann-smith')).toBe(`${MASK} ${MASK} /home/ann-smith`);
});
