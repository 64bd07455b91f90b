import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MASK, Redactor } from '../../../factory/runs/redact.js';

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
