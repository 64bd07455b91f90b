import { describe, expect, it } from 'vitest';
import {
  MAX_LANE_CHARS,
  MAX_SHARDS,
  SESSION_TICKETS_PER_SECOND,
  laneOf,
  shardOf,
  shardsFor,
} from '../../../shared/rules/lanes.js';

/** Service Bus. */
const MAX_SESSION_CHARS = 128;

describe('the shards of a lane', () => {
  it('are one as long as one session keeps up, then as many as it takes, up to a limit', () => {
    const shards = (ticketsPerSecond: number): number =>
      shardsFor(ticketsPerSecond, SESSION_TICKETS_PER_SECOND);
    expect([0, 1, 5].map(shards)).toEqual([1, 1, 1]);
    expect([6, 20, 30].map(shards)).toEqual([2, 4, 6]);
    expect(shards(10_000)).toBe(MAX_SHARDS);
  });

  it('begin with the lane itself, and fit a session id also where the lane is as long as it may be', () => {
    const lane = laneOf(Array.from({ length: 50 }, (_, at) => `has:something-long-${at}`));
    expect(shardOf('node>=20', 0)).toBe('node>=20');
    expect(shardOf('node>=20', 3)).toBe('node>=20~3');
    expect(lane.length).toBeLessThanOrEqual(MAX_LANE_CHARS);
    expect(shardOf(lane, MAX_SHARDS - 1).length).toBeLessThanOrEqual(MAX_SESSION_CHARS);
  });
});
