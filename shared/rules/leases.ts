/** Time-boxed claims. The epoch in the job document is the fence; a lease only says how long a holder may be silent. */
import type { Lease } from '../contract/fleet.js';
import type { Job } from '../contract/job.js';
import { isInFlight } from './stages.js';

/** How long a factory may be silent before its job goes to another one. */
export const DEFAULT_LEASE_SECONDS = 30;
/** A holder renews this often in one lease: two renewals may be lost. */
export const RENEWALS_PER_LEASE = 3;
/** How long a lease document stays after it ran out, so that a reaper that was away still finds it. */
export const LEASE_DOCUMENT_SECONDS = 24 * 3600;

/** ISO time `seconds` after an ISO time. */
export const after = (now: string, seconds: number): string =>
  new Date(Date.parse(now) + seconds * 1000).toISOString();

/** When a lease that is taken or renewed now runs out. */
export const leaseExpiry = (now: string, seconds: number = DEFAULT_LEASE_SECONDS): string =>
  after(now, seconds);

/** A lease is over at the very moment that it names. */
export const isExpired = (lease: Pick<Lease, 'expiresAt'>, now: string): boolean =>
  Date.parse(lease.expiresAt) <= Date.parse(now);

/** Time to live of the document, in seconds from its last write. */
export const leaseTtl = (seconds: number = DEFAULT_LEASE_SECONDS): number =>
  Math.ceil(seconds) + LEASE_DOCUMENT_SECONDS;

/** Seconds between two renewals. */
export const renewalInterval = (seconds: number = DEFAULT_LEASE_SECONDS): number =>
  seconds / RENEWALS_PER_LEASE;

/**
 * May the reaper take the job back? Yes when its lease ran out; and when there is none of this epoch although a whole
 * lease time has passed since the claim (a claimer that died between its two writes).
 * @param claimedAt when the current run was claimed (`startedAt` of the run)
 */
export function isReclaimable(
  job: Pick<Job, 'holder' | 'epoch'>,
  lease: Pick<Lease, 'epoch' | 'expiresAt'> | undefined,
  claimedAt: string,
  now: string,
  seconds: number = DEFAULT_LEASE_SECONDS,
): boolean {
  if (!isInFlight(job)) return false;
  if (lease?.epoch === job.epoch) return isExpired(lease, now);
  return isExpired({ expiresAt: leaseExpiry(claimedAt, seconds) }, now);
}
