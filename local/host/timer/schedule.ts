// NCRONTAB: `{second} {minute} {hour} {day} {month} {day-of-week}`, the second optional, in UTC. Unlike in Unix
// cron, day and day-of-week must both match. A time span ("00:00:30") is a schedule too.
import { parseTimeSpan } from '../hostJson.js';

export interface Schedule {
  /** @returns the first occurrence after `time` */
  next(time: Date): Date;
}

interface Field {
  name: string;
  least: number;
  most: number;
  names?: readonly string[];
}

const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];
const SECOND: Field = { name: 'second', least: 0, most: 59 };
const FIELDS: readonly Field[] = [
  { name: 'minute', least: 0, most: 59 },
  { name: 'hour', least: 0, most: 23 },
  { name: 'day', least: 1, most: 31 },
  { name: 'month', least: 1, most: 12, names: MONTHS },
  { name: 'day-of-week', least: 0, most: 6, names: DAYS },
];
/** Days; the longest wait of a possible schedule is a 29 February on one weekday across a year like 2100. */
const HORIZON = 41 * 366;

/** @throws Error naming the field that is wrong, or a schedule that never comes */
export function parseSchedule(text: string): Schedule {
  if (text.includes(':')) {
    const interval = parseTimeSpan(text, 'schedule');
    if (interval <= 0) throw new Error('A schedule that is a time span must be longer than zero.');
    return { next: (time) => new Date(time.getTime() + interval) };
  }
  const parts = text.trim().split(/\s+/);
  if (parts.length !== 5 && parts.length !== 6)
    throw new Error(`The schedule "${text}" has ${parts.length} fields; NCRONTAB has 5 or 6.`);
  const fields = parts.length === 6 ? [SECOND, ...FIELDS] : FIELDS;
  const sets = fields.map((field, index) => parseField(parts[index] ?? '', field, text));
  if (parts.length === 5) sets.unshift(new Set([0]));
  const [seconds, minutes, hours, days, months, weekdays] = sets as [
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
  ];
  const schedule: Schedule = {
    next(time) {
      const at = new Date(Math.floor(time.getTime() / 1_000) * 1_000 + 1_000);
      const end = at.getTime() + HORIZON * 86_400_000;
      while (at.getTime() < end) {
        if (!months.has(at.getUTCMonth() + 1) || !days.has(at.getUTCDate()) || !weekdays.has(at.getUTCDay()))
          at.setUTCHours(24, 0, 0, 0);
        else if (!hours.has(at.getUTCHours())) at.setUTCHours(at.getUTCHours() + 1, 0, 0, 0);
        else if (!minutes.has(at.getUTCMinutes())) at.setUTCMinutes(at.getUTCMinutes() + 1, 0, 0);
        else if (!seconds.has(at.getUTCSeconds())) at.setUTCSeconds(at.getUTCSeconds() + 1, 0);
        else return at;
      }
      throw new Error(`The schedule "${text}" never comes.`);
    },
  };
  schedule.next(new Date(0));
  return schedule;
}

// `*`, `5`, `mon`, `1-5`, `*/15`, `10-40/5`, `3/10` (from 3 on), and lists of these.
function parseField(text: string, field: Field, schedule: string): Set<number> {
  const refuse = (): never => {
    throw new Error(
      `The schedule "${schedule}" has "${text}" as its ${field.name} (${field.least} to ${field.most}).`,
    );
  };
  const value = (word: string): number => {
    const named = word.length >= 3 && field.names?.findIndex((name) => name.startsWith(word.toLowerCase()));
    const parsed =
      typeof named === 'number' && named >= 0 ? named + field.least : /^\d+$/.test(word) ? Number(word) : NaN;
    return parsed >= field.least && parsed <= field.most ? parsed : refuse();
  };
  const set = new Set<number>();
  for (const item of text.split(',')) {
    const match = /^(?:\*|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(item) ?? refuse();
    const [, from, to, every] = match;
    const step = Number(every ?? 1);
    const first = from === undefined ? field.least : value(from);
    const open = from === undefined || (every !== undefined && to === undefined);
    const last = open ? field.most : to === undefined ? first : value(to);
    if (step < 1 || last < first) refuse();
    for (let number = first; number <= last; number += step) set.add(number);
  }
  return set;
}

/** Schedules with less than a minute between occurrences are never monitored: the storage would be the cost. */
export function isSubMinute(schedule: Schedule, now: Date): boolean {
  let at = schedule.next(now);
  for (let i = 0; i < 5; i++) {
    const following = schedule.next(at);
    if (following.getTime() - at.getTime() < 60_000) return true;
    at = following;
  }
  return false;
}
