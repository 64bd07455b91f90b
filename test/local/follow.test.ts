import { describe, expect, it } from 'vitest';
import { describeJob, nextBuild, type JobLine } from '../../local/follow.js';
import { printable } from '../../local/terminal.js';

const job = (jobId: string, stage: string, epoch: number, more: Partial<JobLine> = {}): JobLine => ({
  jobId,
  title: 'a title',
  stage,
  epoch,
  ...more,
});

describe('text from outside', () => {
  it.each([
    ['\u001b[2J\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]0;title\u0007rest', 'rest'],
    ['over\rwritten\n\u0008', 'over\\u000dwritten\\u000a\\u0008'],
    ['ev\u202Elive\u2066', 'ev\\u202elive\\u2066'],
    ['tab\tand größe-日本 🏭', 'tab\tand größe-日本 🏭'],
  ])('%j is shown as %j', (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it('cannot move the cursor from a title, a holder or a failure', () => {
    const line = describeJob(
      job('job-1', 'failed', 1, {
        title: 'a\u001b[1A\rb',
        holder: 'h\u202E',
        failure: { message: 'no\u0007\nsecond line' },
      }),
    );
    expect(line).toMatch(/failed on h\\u202e \(no\\u0007\) {2}a\\u000db$/);
  });
});

describe('the log that is shown next', () => {
  it('is that of a build nobody saw yet, also of one that was over before anybody looked', () => {
    const shown = new Map<string, number>();
    expect(nextBuild([job('a', 'queued', 0), job('b', 'assigned', 1)], shown)).toBeUndefined();
    expect(nextBuild([job('a', 'queued', 0), job('b', 'testing', 1)], shown)?.jobId).toBe('b');
    expect(nextBuild([job('a', 'building', 1), job('b', 'testing', 1)], shown)?.jobId).toBe('a');
    expect(nextBuild([job('a', 'building', 1), job('b', 'testing', 1)], shown)).toBeUndefined();
  });

  it('is shown again for another attempt, and not for a landing', () => {
    const shown = new Map([['a', 1]]);
    expect(nextBuild([job('a', 'testing', 2, { landing: {} })], shown)).toBeUndefined();
    expect(nextBuild([job('a', 'shipped', 2)], shown)).toBeUndefined();
    // The landing failed: it is no build.
    expect(nextBuild([job('a', 'testing', 2)], shown)).toBeUndefined();
    expect(nextBuild([job('a', 'failed', 3)], shown)?.epoch).toBe(3);
  });
});
