import { describe, expect, it } from 'vitest';
import type { EventBody } from '../../shared/contract/event.js';
import { eventText, reportParts } from '../../shared/eventText.js';
import { failed, finished, shipLanded } from '../web/samples.js';

const textOf = (body: EventBody): string => eventText({ body }, (time) => `<${time}>`).text;

describe('an event in words', () => {
  it('says what changed and where it went', () => {
    expect(textOf(finished(1))).toMatch(/^Changed 2 files \(\+\d+ −\d+\).*, pushed 8c51e57$/);
    expect(textOf(shipLanded(2))).toBe('Merged into main as 22a7b7c');
  });

  it('says whether and when a failed run is tried again, as times are told there', () => {
    expect(textOf(failed(1, 5))).toMatch(/; will be tried again at <\d{4}-.*Z>$/);
    expect(textOf(failed(1))).not.toContain('again');
  });

  it('leaves what strangers wrote to the note, and tells counts of one as such', () => {
    const title = 'A title';
    expect(eventText({ body: { kind: 'job.submitted', title, contentHash: 'x' } }, String)).toMatchObject({
      text: 'Submitted',
      note: title,
    });
    expect(
      textOf({ kind: 'children.requested', plan: 'p'.repeat(64), count: 1, onFailure: 'continue' }),
    ).toBe('Split into 1 child');
  });
});

it.each([
  [{}, []],
  [{ tests: { passed: 3, failed: 0, skipped: 0, failures: [] } }, ['3 passed']],
  [
    { tests: { passed: 3, failed: 1, skipped: 2, failures: ['x'] }, coveragePercent: 81.25 },
    ['3 passed', '1 failed', '2 skipped', '81.3% of lines covered'],
  ],
  [{ coveragePercent: 100 }, ['100% of lines covered']],
])('reports %j are told as %j', (verify, parts) => {
  expect(reportParts(verify)).toEqual(parts);
});
