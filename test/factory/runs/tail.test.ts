import { expect, test } from 'vitest';
import { lastLines, Tail } from '../../../factory/runs/tail.js';

test('keeps the last lines of an output without end', () => {
  const tail = new Tail(100);
  for (let i = 0; i < 10_000; i += 1) tail.add(Buffer.from(`line ${i}\n`));
  expect(tail.text(2)).toBe('line 9998\nline 9999');
  expect(tail.text().length).toBeLessThanOrEqual(100);
});

test('keeps the end of one large piece', () => {
  const tail = new Tail(5);
  tail.add(Buffer.from('0123456789'));
  expect(tail.text()).toBe('56789');
});

test('makes colours, control characters and broken UTF-8 readable', () => {
  const bytes = Buffer.concat([
    Buffer.from('\u001b[1;31mred\u001b[0m\u0000\u001b]0;title\u0007 ok '),
    Buffer.from([0xff]),
  ]);
  expect(lastLines(bytes, 5)).toBe('red  ok \uFFFD');
});
