import { describe, expect, it } from 'vitest';
import { isSubMinute, parseSchedule } from '../../../../local/host/timer/schedule.js';

const after = (schedule: string, time: string, count = 1): string[] => {
  const parsed = parseSchedule(schedule);
  const found: string[] = [];
  for (let at = new Date(time); found.length < count; found.push(at.toISOString().replace('.000Z', 'Z')))
    at = parsed.next(at);
  return found;
};

describe('NCRONTAB', () => {
  it.each([
    ['0 */5 * * * *', '2026-11-21T10:02:03Z', '2026-11-21T10:05:00Z'],
    ['*/5 * * * *', '2026-11-21T10:02:03Z', '2026-11-21T10:05:00Z'],
    ['*/15 * * * * *', '2026-11-21T10:02:59.5Z', '2026-11-21T10:03:00Z'],
    ['0 30 9 * * *', '2026-11-21T09:30:00Z', '2026-11-22T09:30:00Z'],
    ['0 30 9 * * 1-5', '2026-11-20T09:30:00Z', '2026-11-23T09:30:00Z'],
    ['0 30 9 * Jan Mon', '2026-11-21T00:00:00Z', '2027-01-04T09:30:00Z'],
    ['0 0 0 1,15 * *', '2026-11-02T00:00:00Z', '2026-11-15T00:00:00Z'],
    ['0 0 10-14/2 * * *', '2026-11-02T12:00:00Z', '2026-11-02T14:00:00Z'],
    ['0 7/20 * * * *', '2026-11-02T12:08:00Z', '2026-11-02T12:27:00Z'],
    ['0 0 0 29 2 *', '2026-11-02T00:00:00Z', '2028-02-29T00:00:00Z'],
    ['0 0 0 31 december *', '2026-12-31T00:00:00Z', '2027-12-31T00:00:00Z'],
  ])('%s after %s is %s', (schedule, time, expected) => {
    expect(after(schedule, time)).toEqual([expected]);
  });

  it('wants day and day-of-week to match both, unlike Unix cron', () => {
    expect(after('0 0 0 13 * fri', '2026-01-01T00:00:00Z', 2)).toEqual([
      '2026-02-13T00:00:00Z',
      '2026-03-13T00:00:00Z',
    ]);
  });

  it('takes a time span as an interval', () => {
    expect(after('00:00:30', '2026-11-21T10:00:01Z', 2)).toEqual([
      '2026-11-21T10:00:31Z',
      '2026-11-21T10:01:01Z',
    ]);
  });

  it.each([
    ['* * *', 'has 3 fields'],
    ['0 60 * * * *', '"60" as its minute (0 to 59)'],
    ['0 0 0 0 * *', '"0" as its day (1 to 31)'],
    ['0 0 0 * Foo *', '"Foo" as its month'],
    ['0 5-1 * * * *', '"5-1" as its minute'],
    ['0 */0 * * * *', '"*/0" as its minute'],
    ['0 0 0 30 2 *', 'never comes'],
  ])('refuses %s and says why', (schedule, message) => {
    expect(() => parseSchedule(schedule)).toThrow(message);
  });

  it('knows a schedule that comes more than once a minute', () => {
    expect(isSubMinute(parseSchedule('*/30 * * * * *'), new Date())).toBe(true);
    expect(isSubMinute(parseSchedule('0 * * * * *'), new Date())).toBe(false);
  });
});
