/** Small pure hashes for names and seeded ties. Not for anything that an attacker may aim at. */

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/**
 * A 32-bit hash of the UTF-16 units of a text: FNV-1a, then the finaliser of MurmurHash3, because FNV alone leaves
 * similar texts (job-…1, job-…2) in order.
 */
export function hash32(text: string, seed = 0): number {
  let hash = (FNV_OFFSET ^ seed) >>> 0;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), FNV_PRIME);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** 64 bits as 16 hexadecimal digits: two independent 32-bit hashes. */
export function hashHex(text: string): string {
  return [hash32(text), hash32(text, 0x9e3779b9)].map((part) => part.toString(16).padStart(8, '0')).join('');
}
