import { describe, expect, it } from 'vitest';
import { stageSpans, timeInStages, timeline } from '../../../web/src/view/timeline.js';
import {
  assigned,
  failed,
  requeued,
  sampleEvents,
  shipLanded,
  shipRequested,
  START,
  started,
  submitted,
  TO_TESTING,
  type Row,
} from '../samples.js';

const after = (seconds: number): number => START + seconds * 1000;

describe('time in stages', () => {
  it('lasts from one change to the next, and the current one until now', () => {
    const spans = stageSpans(sampleEvents(TO_TESTING), after(20));
    expect(spans.map(({ stage, durationMs, current }) => [stage, durationMs / 1000, current])).toEqual([
      ['queued', 2, false],
      ['assigned', 1, false],
      ['building', 3, false],
      ['review', 2, false],
      ['testing', 12, true],
    ]);
  });

  it('adds up over the attempts', () => {
    const rows: Row[] = [
      [0, 'queued', submitted],
      [1, 'assigned', assigned(1)],
      [2, 'building', started(1)],
      [5, 'queued', failed(1, 7)],
      [7, 'assigned', assigned(2)],
      [8, 'building', started(2)],
    ];
    const spent = timeInStages(sampleEvents(rows), after(10));
    expect(spent.get('queued')).toBe(3000);
    expect(spent.get('building')).toBe(5000);
  });

  it('stops where the job ended', () => {
    const rows: Row[] = [...TO_TESTING, [10, 'testing', shipRequested], [12, 'shipped', shipLanded(2)]];
    const spans = stageSpans(sampleEvents(rows), after(5000));
    expect(spans.at(-1)).toMatchObject({ stage: 'shipped', durationMs: 0 });
    expect(spans.at(-2)).toMatchObject({ stage: 'testing', durationMs: 4000 });
  });
});

describe('the timeline', () => {
  it('has a part for the submit, for each run, and for shipping with its merge', () => {
    const rows: Row[] = [
      ...TO_TESTING,
      [10, 'testing', shipRequested],
      [11, 'testing', assigned(2, 'land')],
      [12, 'shipped', shipLanded(2)],
    ];
    const groups = timeline(sampleEvents(rows), after(60));
    expect(groups.map(({ title, epoch, durationMs }) => [title, epoch, durationMs])).toEqual([
      ['Submit', undefined, 0],
      ['Run', 1, 6000],
      ['Ship', 2, 2000],
    ]);
    expect(groups.flatMap(({ entries }) => entries)).toHaveLength(rows.length);
  });

  it('numbers the runs from the second on and starts over visibly after a requeue', () => {
    const rows: Row[] = [
      [0, 'queued', submitted],
      [1, 'assigned', assigned(1)],
      [2, 'failed', failed(1)],
      [3, 'queued', requeued],
      [4, 'assigned', assigned(2)],
    ];
    expect(timeline(sampleEvents(rows), after(9)).map(({ title }) => title)).toEqual([
      'Submit',
      'Run',
      'Requeue',
      'Run 2',
    ]);
  });

  it('counts a run that is going on until now', () => {
    const groups = timeline(sampleEvents(TO_TESTING.slice(0, 3)), after(30));
    expect(groups.at(-1)?.durationMs).toBe(28_000);
  });

  it('says which stage began with an event and how long it lasted', () => {
    const entries = timeline(sampleEvents(TO_TESTING), after(20)).flatMap((group) => group.entries);
    expect(entries[2]).toMatchObject({
      text: expect.stringMatching(/^Engine started on /) as unknown,
      entered: 'building',
      stayedMs: 3000,
    });
    expect(entries[2]?.sincePreviousMs).toBe(1000);
  });

  it('names the actor unless the part does, and carries the decision', () => {
    const [submit, build] = timeline(sampleEvents(TO_TESTING), after(20));
    expect(submit?.entries[0]?.actor).toBe('alice');
    expect(build?.factoryId).toBe('factory-1');
    expect(build?.entries[0]).not.toHaveProperty('actor');
    expect(build?.entries[0]?.decision?.why).toContain('only ready job');
  });
});
