import { describe, expect, it } from 'vitest';
import { inScope, matchesText, readFilter, writeFilter } from '../../../web/src/view/jobFilter.js';
import { mergeJobs } from '../../../web/src/view/mergeJobs.js';
import { sampleJob } from '../samples.js';

describe('the filter', () => {
  it('survives the address', () => {
    const filter = { stage: 'testing', product: 'shop', text: 'a&b c' } as const;
    expect(readFilter(writeFilter(filter))).toEqual(filter);
    expect(writeFilter({ text: '' })).toBe('');
  });

  it('leaves out a stage that does not exist', () => {
    expect(readFilter('?stage=nowhere&x=1')).toEqual({ text: '' });
  });

  it('wants every word, in any order and case, in what the list shows', () => {
    const trackerItem = {
      tracker: 'github',
      repository: 'acme/calculator',
      number: 7,
      url: 'http://x',
    } as const;
    const job = sampleJob({ holder: 'mac-2', trackerItem });
    expect(matchesText(job, 'ORDERS volume')).toBe(true);
    expect(matchesText(job, 'mac-2 shell')).toBe(true);
    expect(matchesText(job, 'acme/calculator#7')).toBe(true);
    expect(matchesText(job, 'volume absent')).toBe(false);
    expect(matchesText(job, '  ')).toBe(true);
  });

  it('narrows to a product', () => {
    const jobs = [sampleJob(), sampleJob({ productId: 'shop' })];
    expect(inScope(jobs, { product: 'shop', text: '' })).toEqual([jobs[1]]);
  });
});

describe('a polled list', () => {
  const first = sampleJob({ jobId: 'job-000000000000000a' });
  const second = sampleJob({ jobId: 'job-000000000000000b' });

  it('is the old list when nothing changed', () => {
    const before = [first, second];
    expect(mergeJobs(before, structuredClone(before))).toBe(before);
  });

  it('keeps the old object of every job that did not change', () => {
    const moved = { ...second, headHash: 'h2', events: 2 };
    const merged = mergeJobs([first, second], [structuredClone(first), moved]);
    expect(merged[0]).toBe(first);
    expect(merged[1]).toBe(moved);
  });

  it('takes new jobs, a new order and lost ones', () => {
    expect(mergeJobs([first, second], [second, first])).toEqual([second, first]);
    expect(mergeJobs([first, second], [second])).toEqual([second]);
    expect(mergeJobs(undefined, [first])).toEqual([first]);
  });
});
