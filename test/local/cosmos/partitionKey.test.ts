import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  effectiveKey,
  keyString,
  parseKey,
  ringBoundaries,
  RING_END,
} from '../../../local/cosmos/partitionKey.js';
// The client's own hash, which its package does not export: both sides must place a key alike.
import { hashV2PartitionKey } from '../../../node_modules/@azure/cosmos/dist/esm/utils/hashing/v2.js';
import { hashMultiHashPartitionKey } from '../../../node_modules/@azure/cosmos/dist/esm/utils/hashing/multiHash.js';

const part = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
);

describe('a partition key', () => {
  it('has the place on the ring that the client computes', () => {
    fc.assert(
      fc.property(part, (value) => {
        expect(effectiveKey([value])).toBe(hashV2PartitionKey([value]));
      }),
      { numRuns: 300 },
    );
    expect(effectiveKey([undefined])).toBe(hashV2PartitionKey([{}]));
  });

  it('of several levels is placed by all of them, a prefix before all that begin with it', () => {
    fc.assert(
      fc.property(part, part, (first, second) => {
        const whole = effectiveKey([first, second]);
        expect(whole).toBe(hashMultiHashPartitionKey([first, second]));
        const prefix = effectiveKey([first]);
        expect(whole >= prefix && whole < prefix + RING_END).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('goes over the wire and back', () => {
    fc.assert(
      fc.property(fc.array(fc.option(part, { nil: undefined }), { minLength: 1, maxLength: 3 }), (key) => {
        expect(keyString(parseKey(keyString(key), key.length))).toBe(keyString(key));
      }),
    );
  });

  it('is refused with too few or too many levels, or when it is none', () => {
    for (const text of ['["a"]', '["a","b","c"]', '[]', '{}', 'null', '[{"a":1},1]', '[[],1]', 'x'])
      expect(() => parseKey(text, 2)).toThrow(expect.objectContaining({ status: 400 }));
    expect(parseKey('["a"]', 2, true)).toEqual(['a']);
  });
});

describe('the ring', () => {
  it('is cut evenly, in order', () => {
    expect(ringBoundaries(1)).toEqual(['']);
    expect(ringBoundaries(4)).toEqual(['', '100000', '200000', '300000']);
  });
});
