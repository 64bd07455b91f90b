// MurmurHash3 (x64, 128 bit), Austin Appleby's public-domain algorithm, which places partition keys on the hash
// ring. On BigInt, since it runs once per logical partition.

const C1 = 0x87c37b91114253d5n;
const C2 = 0x4cf5ad432745937fn;
const MASK = 0xffffffffffffffffn;

const rotate = (value: bigint, bits: bigint): bigint => ((value << bits) | (value >> (64n - bits))) & MASK;
const times = (a: bigint, b: bigint): bigint => (a * b) & MASK;

function finalMix(value: bigint): bigint {
  let mixed = times(value ^ (value >> 33n), 0xff51afd7ed558ccdn);
  mixed = times(mixed ^ (mixed >> 33n), 0xc4ceb9fe1a85ec53n);
  return mixed ^ (mixed >> 33n);
}

/** The two 64-bit halves of the hash of `bytes`, with seed 0. */
export function murmur128(bytes: Uint8Array): [bigint, bigint] {
  const blocks = Math.floor(bytes.length / 16);
  const padded = Buffer.alloc((blocks + 1) * 16);
  padded.set(bytes);
  let h1 = 0n;
  let h2 = 0n;
  for (let block = 0; block < blocks; block++) {
    const k1 = padded.readBigUInt64LE(block * 16);
    const k2 = padded.readBigUInt64LE(block * 16 + 8);
    h1 ^= times(rotate(times(k1, C1), 31n), C2);
    h1 = (times((rotate(h1, 27n) + h2) & MASK, 5n) + 0x52dce729n) & MASK;
    h2 ^= times(rotate(times(k2, C2), 33n), C1);
    h2 = (times((rotate(h2, 31n) + h1) & MASK, 5n) + 0x38495ab5n) & MASK;
  }
  // The tail: what padding with zeros adds is nothing, since 0 times anything is 0.
  h2 ^= times(rotate(times(padded.readBigUInt64LE(blocks * 16 + 8), C2), 33n), C1);
  h1 ^= times(rotate(times(padded.readBigUInt64LE(blocks * 16), C1), 31n), C2);
  const length = BigInt(bytes.length);
  h1 = ((h1 ^ length) + (h2 ^ length)) & MASK;
  h2 = ((h2 ^ length) + h1) & MASK;
  h1 = finalMix(h1);
  h2 = finalMix(h2);
  h1 = (h1 + h2) & MASK;
  return [h1, (h2 + h1) & MASK];
}
