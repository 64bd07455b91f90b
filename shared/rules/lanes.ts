/** Lanes: classes of jobs with the same hard requirements. A lane is the session id of its tickets. */
import { hashHex } from './hash.js';

/** Service Bus allows 128 characters in a session id; eight are left for the shard of a hot lane (`~17`). */
export const MAX_LANE_CHARS = 120;
/** The lane of jobs that ask for nothing; no requirement can look like it. */
const NO_REQUIREMENTS = '*';

/**
 * The lane of normalised, sorted requirements (see requirementsOf): the requirements themselves, joined by commas, so
 * that a person can read it; cut and completed by a hash where that is too long. Stable: tickets in flight carry it.
 */
export function laneOf(requirements: readonly string[]): string {
  if (requirements.length === 0) return NO_REQUIREMENTS;
  const lane = requirements.join(',');
  if (lane.length <= MAX_LANE_CHARS) return lane;
  const mark = `#${hashHex(lane)}`;
  return lane.slice(0, MAX_LANE_CHARS - mark.length) + mark;
}

/**
 * Tickets a second that one session hands on without delay: it is held for a claim, which takes 100 to 200 ms with the
 * way there and back.
 */
export const SESSION_TICKETS_PER_SECOND = 5;
/** Claims side by side in one lane; more would only meet each other in the database. */
export const MAX_SHARDS = 16;

/**
 * Into how many sessions the tickets of a lane are spread when so many come a second.
 * @param perSession how many a second one session hands on
 */
export const shardsFor = (ticketsPerSecond: number, perSession: number): number =>
  Math.min(MAX_SHARDS, Math.max(1, Math.ceil(ticketsPerSecond / perSession)));

/** The session of a shard; the first one is the lane itself. */
export const shardOf = (lane: string, shard: number): string => (shard === 0 ? lane : `${lane}~${shard}`);
