import { describe, expect, it } from 'vitest';
import { landingOf, LANDING_STEPS } from '../../../web/src/view/landing.js';
import {
  assigned,
  lost,
  requeued,
  sampleEvents,
  shipLanded,
  shipRefused,
  shipRequested,
  started,
  TO_TESTING,
  type Row,
} from '../samples.js';

const landing = (...rows: Row[]) => landingOf(sampleEvents([...TO_TESTING, ...rows]));
const REQUEST: Row = [10, 'testing', shipRequested];
const TAKEN: Row = [11, 'testing', assigned(2, 'land')];

describe('landing', () => {
  it('is nothing before somebody says ship', () => {
    expect(landing()).toBeUndefined();
  });

  it('goes from the request over the factory to the merge', () => {
    const merging: Row = [12, 'testing', started(2, 'land')];
    expect(landing(REQUEST)).toMatchObject({ step: 0, requestedBy: 'alice' });
    expect(landing(REQUEST, TAKEN)).toMatchObject({ step: 1, factoryId: 'factory-1' });
    expect(landing(REQUEST, TAKEN, merging)).toMatchObject({ step: 2 });
    expect(landing(REQUEST, TAKEN, merging, [13, 'shipped', shipLanded(2)])?.step).toBe(
      LANDING_STEPS.length - 1,
    );
  });

  it('waits for a factory again when the one that merged is lost', () => {
    const again = landing(REQUEST, TAKEN, [15, 'testing', lost(2)]);
    expect(again).toMatchObject({ step: 0 });
    expect(again).not.toHaveProperty('factoryId');
  });

  it('says why it was not merged, until it is asked for again', () => {
    const refused: Row = [13, 'review', shipRefused(2)];
    expect(landing(REQUEST, TAKEN, refused)?.refused).toContain('conflict');
    expect(landing(REQUEST, TAKEN, refused, [20, 'testing', shipRequested])).toMatchObject({ step: 0 });
    expect(landing(REQUEST, TAKEN, refused, [20, 'testing', shipRequested])).not.toHaveProperty('refused');
  });

  it('is over when the job is built once more', () => {
    expect(landing(REQUEST, TAKEN, [13, 'review', shipRefused(2)], [14, 'queued', requeued])).toBeUndefined();
  });
});
