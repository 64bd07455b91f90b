import { describe, expect, it } from 'vitest';
import { STAGES as CONTRACT_STAGES } from '../../../shared/contract/job.js';
import {
  asksFor,
  rollupParts,
  stageClass,
  stageCounts,
  stageLabel,
  STAGES,
  stageTrack,
} from '../../../web/src/view/stages.js';
import { SAMPLE_CHANGE, sampleJob, sampleVerify } from '../samples.js';

const states = (changes: Parameters<typeof sampleJob>[0]): string =>
  stageTrack(sampleJob(changes))
    .steps.map(({ state }) => state)
    .join(' ');

it('tells what hangs below a composite by stage, the cancelled apart from the failed', () => {
  expect(rollupParts({ byStage: { failed: 3, shipped: 1 }, cancelled: 2 })).toEqual([
    { label: 'Shipped', className: 'stage-shipped', number: 1 },
    { label: 'Failed', className: 'stage-failed', number: 1 },
    { label: 'Cancelled', className: 'stage-cancelled', number: 2 },
  ]);
  expect(rollupParts({ byStage: { failed: 3 }, cancelled: 3 }).map(({ label }) => label)).toEqual([
    'Cancelled',
  ]);
});

it('shows the stages in the order of the contract', () => {
  expect(STAGES).toEqual(CONTRACT_STAGES);
});

describe('the track', () => {
  it('marks what is done, where it is, and what is to come', () => {
    expect(states({ stage: 'building' })).toBe('done done current todo todo todo');
    expect(states({ stage: 'queued' })).toBe('current todo todo todo todo todo');
  });

  it('is done to the end when the job is shipped', () => {
    expect(states({ stage: 'shipped' })).toBe('done done done done done done');
  });

  it.each([
    ['queued, when nobody took it', {}, 0],
    ['assigned, when the run never began', { epoch: 1 }, 1],
    ['building, when there is no change', { epoch: 1, attempts: 1 }, 2],
    ['review, when there is a change', { epoch: 1, attempts: 1, change: SAMPLE_CHANGE }, 3],
    ['testing, when verify had passed', { change: SAMPLE_CHANGE, verify: sampleVerify(true) }, 4],
    ['review, when verify failed', { change: SAMPLE_CHANGE, verify: sampleVerify(false) }, 3],
  ])('of a failed job stops at %s', (_, changes, position) => {
    const { steps } = stageTrack(sampleJob({ stage: 'failed', ...changes }));
    expect(steps.findIndex(({ state }) => state === 'failed')).toBe(position);
    expect(steps.filter(({ state }) => state === 'failed')).toHaveLength(1);
  });

  it('moves while a factory holds the job only', () => {
    expect(stageTrack(sampleJob({ stage: 'building', holder: 'factory-1' })).active).toBe(true);
    expect(stageTrack(sampleJob({ stage: 'testing' })).active).toBe(false);
  });
});

describe('what a job asks for', () => {
  it('is shipping, once verify passed and until somebody said so', () => {
    const landing = {
      requestedBy: { kind: 'operator', id: 'alice' },
      requestedAt: '2026-11-20T10:00:00.000Z',
    } as const;
    expect(asksFor(sampleJob({ stage: 'testing' }))).toBe('Ready to ship');
    expect(asksFor(sampleJob({ stage: 'testing', landing }))).toBeUndefined();
  });

  it('is a review, once no factory works on it any more', () => {
    expect(asksFor(sampleJob({ stage: 'review' }))).toBe('Needs review');
    expect(asksFor(sampleJob({ stage: 'review', holder: 'factory-1' }))).toBeUndefined();
  });

  it('is nothing while it is on its way', () => {
    expect(asksFor(sampleJob({ stage: 'building' }))).toBeUndefined();
  });
});

it('counts every stage, also those without a job', () => {
  const counts = stageCounts([sampleJob(), sampleJob(), sampleJob({ stage: 'shipped' })]);
  expect(counts).toMatchObject({ queued: 2, shipped: 1, dead_letter: 0 });
});

it('names a cancelled job as such, not as failed', () => {
  const cancelled = sampleJob({ stage: 'failed', failure: { reason: 'cancelled', message: 'not needed' } });
  expect([stageLabel(cancelled), stageClass(cancelled)]).toEqual(['Cancelled', 'stage-cancelled']);
  expect(stageLabel(sampleJob({ stage: 'failed' }))).toBe('Failed');
});
