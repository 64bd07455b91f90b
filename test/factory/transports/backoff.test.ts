import { expect, test } from 'vitest';
import { Backoff } from '../../../factory/transports/backoff.js';

const pauses = (random: () => number, count: number): number[] => {
  const backoff = new Backoff(random);
  return Array.from({ length: count }, () => backoff.next());
};

test('pauses double from half a second up to a quarter of a minute', () => {
  expect(pauses(() => 1, 7)).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
});

test('half of each pause is left to chance, so that a herd spreads out', () => {
  expect(pauses(() => 0, 6)).toEqual([250, 500, 1000, 2000, 4000, 7500]);
  const herd = Array.from({ length: 200 }, (_, at) => pauses(() => at / 200, 6).at(-1) ?? 0);
  expect(new Set(herd).size).toBe(200);
  expect([Math.min(...herd), Math.max(...herd) < 15_000]).toEqual([7500, true]);
});

test('begins anew after a success', () => {
  const backoff = new Backoff(() => 1);
  backoff.next();
  backoff.next();
  backoff.reset();
  expect(backoff.next()).toBe(500);
});
