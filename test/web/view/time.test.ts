import { describe, expect, it } from 'vitest';
import {
  formatAge,
  formatClock,
  formatDuration,
  formatElapsed,
  formatUntil,
} from '../../../web/src/view/time.js';
import { at, START } from '../samples.js';

describe('a duration', () => {
  it.each([
    [0, '0 ms'],
    [42, '42 ms'],
    [99.6, '100 ms'],
    [100, '0.1 s'],
    [2449, '2.4 s'],
    [9999, '9.9 s'],
    [10_000, '10 s'],
    [59_999, '59 s'],
    [60_000, '1 min 00 s'],
    [185_000, '3 min 05 s'],
    [3_600_000, '1 h 00 min'],
    [8_040_000, '2 h 14 min'],
    [280_800_000, '3 d 6 h'],
    [-5, '0 ms'],
  ])('of %d ms reads %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('an age', () => {
  it.each([
    [0.4, 'now'],
    [12, '12 s'],
    [119, '1 min'],
    [7200, '2 h'],
    [432_000, '5 d'],
  ])('of %d s reads %s', (seconds, text) => {
    expect(formatAge(at(0), START + seconds * 1000)).toBe(text);
  });

  it('is never negative when clocks differ', () => {
    expect(formatAge(at(5), START)).toBe('now');
  });
});

describe('what is going on', () => {
  it('counts whole seconds, from one', () => {
    expect(formatElapsed(at(0), START + 200)).toBe('1 s');
    expect(formatElapsed(at(0), START + 3900)).toBe('3 s');
    expect(formatElapsed(at(0), START + 75_000)).toBe('1 min 15 s');
  });

  it('counts down to a moment and ends there', () => {
    expect(formatUntil(at(10), START + 500)).toBe('10 s');
    expect(formatUntil(at(10), START + 8200)).toBe('2 s');
    expect(formatUntil(at(10), START + 10_000)).toBeUndefined();
  });
});

it('a clock time names the day only when it is another one', () => {
  expect(formatClock(at(1), START)).toMatch(/^\d\d:\d\d:\d\d$/);
  expect(formatClock(at(-3 * 86_400), START)).toMatch(/^17 Nov \d\d:\d\d:\d\d$/);
});
