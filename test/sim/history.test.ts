import { describe, expect, test } from 'vitest';
import { checkHistory, type HistoryEntry, type HistoryOptions } from './history.js';

type Row = [actor: string, op: HistoryEntry['op'], epoch: number, from: number, to: number, result?: string];

const judge = (rows: readonly Row[], options?: HistoryOptions): string[] =>
  checkHistory(
    rows.map(([actor, op, epoch, invokedAt, returnedAt, result = 'ok']) => ({
      actor,
      op,
      jobId: 'job-1',
      epoch,
      invokedAt,
      returnedAt,
      result: result as HistoryEntry['result'],
    })),
    options,
  ).map(({ message }) => message);

const ALL = { losesAreKnown: true };

describe('the history of a job', () => {
  test('is fine when factories take turns', () => {
    const rows: Row[] = [
      ['a', 'claim', 1, 0, 1],
      ['a', 'renew', 1, 2, 3],
      ['reaper', 'lose', 1, 10, 11],
      ['b', 'claim', 2, 12, 13],
      ['a', 'renew', 1, 14, 15, 'stale'],
      ['b', 'complete', 2, 16, Infinity, 'unknown'],
      ['b', 'complete', 2, 18, 19],
    ];
    expect(judge(rows)).toEqual([]);
    expect(judge(rows, ALL)).toEqual([]);
  });

  test('calls at the same time may go either way', () => {
    const rows: Row[] = [
      ['a', 'claim', 1, 0, 1],
      ['reaper', 'lose', 1, 5, 20],
      ['a', 'renew', 1, 6, 15],
      ['b', 'claim', 2, 7, 16],
    ];
    expect(judge(rows, ALL)).toEqual([]);
  });

  const contradictions: [string, Row[], HistoryOptions | undefined, RegExp][] = [
    [
      'one epoch claimed twice',
      [
        ['a', 'claim', 1, 0, 1],
        ['b', 'claim', 1, 0, 2],
      ],
      undefined,
      /claimed twice/,
    ],
    [
      'a renewal granted to another factory',
      [
        ['a', 'claim', 1, 0, 1],
        ['b', 'renew', 1, 2, 3],
      ],
      undefined,
      /renew was granted to b, but a/,
    ],
    [
      'a zombie that renews',
      [
        ['a', 'claim', 1, 0, 1],
        ['b', 'claim', 2, 5, 6],
        ['a', 'renew', 1, 7, 8],
      ],
      undefined,
      /after b had epoch 2/,
    ],
    [
      'a zombie whose report counts',
      [
        ['a', 'claim', 1, 0, 1],
        ['b', 'claim', 2, 5, 6],
        ['a', 'complete', 1, 7, 8],
      ],
      undefined,
      /complete of a was granted after b/,
    ],
    [
      'a lease that comes back after it was refused',
      [
        ['a', 'claim', 1, 0, 1],
        ['a', 'renew', 1, 2, 3, 'stale'],
        ['a', 'renew', 1, 4, 5],
      ],
      undefined,
      /answered stale/,
    ],
    [
      'a renewal after the end of the run',
      [
        ['a', 'claim', 1, 0, 1],
        ['a', 'complete', 1, 2, 3],
        ['a', 'renew', 1, 4, 5],
      ],
      undefined,
      /after complete by a/,
    ],
    [
      'a live lease that is refused',
      [
        ['a', 'claim', 1, 0, 1],
        ['a', 'renew', 1, 2, 3, 'stale'],
      ],
      ALL,
      /live holder a was refused/,
    ],
    [
      'a live lease that is claimed away',
      [
        ['a', 'claim', 1, 0, 1],
        ['b', 'claim', 2, 2, 3],
      ],
      ALL,
      /nothing had ended epoch 1/,
    ],
    [
      'a lease that is taken back before the time is over that a renewal granted',
      [
        ['a', 'claim', 1, 0, 1],
        ['a', 'renew', 1, 2, 3],
        ['reaper', 'lose', 1, 11, 12],
      ],
      { grantedMs: 10 },
      /taken from a 9 ms after the renewal/,
    ],
  ];
  test.each(contradictions)('tells %s', (_name, rows, options, message) => {
    expect(judge(rows, options)).toEqual([expect.stringMatching(message)]);
  });

  test('the reaper may come when the granted time is over, and a person at any time', () => {
    const rows = (actor: string, at: number): Row[] => [
      ['a', 'claim', 1, 0, 1],
      ['a', 'renew', 1, 2, 3],
      [actor, 'lose', 1, at, at + 1],
    ];
    expect(judge(rows('reaper', 12), { grantedMs: 10 })).toEqual([]);
    expect(judge(rows('ada', 5), { grantedMs: 10 })).toEqual([]);
  });

  test('keeps jobs apart', () => {
    const claim = { actor: 'a', op: 'claim', epoch: 1, invokedAt: 0, returnedAt: 1, result: 'ok' } as const;
    expect(
      checkHistory([
        { ...claim, jobId: 'job-1' },
        { ...claim, jobId: 'job-2' },
      ]),
    ).toEqual([]);
  });
});
