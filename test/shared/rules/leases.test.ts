import { describe, expect, it } from 'vitest';
import {
  isExpired,
  isReclaimable,
  leaseExpiry,
  leaseTtl,
  renewalInterval,
} from '../../../shared/rules/leases.js';
import { NOW, at } from './fixtures.js';

describe('a lease', () => {
  it('runs out at the very moment that it names', () => {
    const expiresAt = leaseExpiry(NOW, 30);
    expect(expiresAt).toBe(at(30));
    expect(isExpired({ expiresAt }, at(29.999))).toBe(false);
    expect(isExpired({ expiresAt }, at(30))).toBe(true);
  });

  it('is renewed three times in its life, and its document outlives it', () => {
    expect(renewalInterval(30)).toBe(10);
    expect(leaseTtl(30)).toBeGreaterThan(3600);
  });
});

describe('the reaper takes a job back', () => {
  const held = { holder: 'linux-1', epoch: 2 };
  it.each([
    ['when its lease ran out', { epoch: 2, expiresAt: at(-1) }, -60, true],
    ['not while its lease lives', { epoch: 2, expiresAt: at(1) }, -600, false],
    ['when no lease was ever written and its time is over', undefined, -30, true],
    ['not when the claim is so fresh that the lease is yet to be written', undefined, -29, false],
    ['not for the lease of an earlier epoch', { epoch: 1, expiresAt: at(-1) }, -5, false],
    ['when all there is is the lease of an earlier epoch', { epoch: 1, expiresAt: at(500) }, -31, true],
  ])('%s', (_, lease, claimed, expected) => {
    expect(isReclaimable(held, lease, at(claimed), NOW, 30)).toBe(expected);
  });

  it('never when nobody holds it', () => {
    expect(isReclaimable({ epoch: 2 }, undefined, at(-1000), NOW)).toBe(false);
  });
});
