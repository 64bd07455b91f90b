import { describe, expect, it } from 'vitest';
import { chooseLeases } from '../../../../local/host/cosmos/leases.js';
import type { LeaseDocument } from '../../../../local/host/cosmos/leases.js';

const NOW = Date.parse('2026-11-21T10:00:00Z');
const lease = (id: string, Owner: string | null, age = 0): LeaseDocument => ({
  id,
  Owner,
  _etag: '',
  LeaseToken: id,
  FeedRange: { Range: { min: '', max: 'FF', isMinInclusive: true, isMaxInclusive: false } },
  ContinuationToken: null,
  timestamp: new Date(NOW - age).toISOString(),
});
const choose = (all: LeaseDocument[], held: string[] = []): string[] =>
  chooseLeases(all, { owner: 'me', held: new Set(held), now: NOW, expiration: 60_000 }).map(({ id }) => id);

describe('which leases an instance takes', () => {
  it('takes all that nobody holds when it is alone', () => {
    expect(choose([lease('a', null), lease('b', null)])).toEqual(['a', 'b']);
  });

  it('takes what it held in an earlier life at once', () => {
    expect(choose([lease('a', 'me'), lease('b', 'me')], ['b'])).toEqual(['a']);
  });

  it('takes what another has not renewed in time, and leaves what it has', () => {
    expect(choose([lease('a', 'dead', 61_000), lease('b', 'alive', 59_000)])).toEqual(['a']);
  });

  it('takes no more than its share', () => {
    const free = ['a', 'b', 'c'].map((id) => lease(id, null));
    expect(choose([...free, lease('d', 'other')])).toEqual(['a', 'b']);
  });

  it('takes one at a time from an instance that has more than its share', () => {
    expect(choose(['a', 'b', 'c', 'd'].map((id) => lease(id, 'other')))).toEqual(['a']);
    expect(choose([lease('a', 'me'), lease('b', 'me'), lease('c', 'other')], ['a', 'b'])).toEqual([]);
  });

  it('leaves a single range where it is', () => {
    expect(choose([lease('a', 'other')])).toEqual([]);
  });
});
