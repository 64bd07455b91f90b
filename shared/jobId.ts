import { createHash } from 'node:crypto';

/** 36^16 ids a product: a clash of two keys is not to be expected. */
const ID_CHARS = 16;

/** `job-` and 16 characters that derive from product and key. */
export function jobIdOf(productId: string, key: string): string {
  const digest = createHash('sha256').update(`${productId}\n${key}`).digest('hex');
  return `job-${BigInt(`0x${digest}`).toString(36).padStart(ID_CHARS, '0').slice(-ID_CHARS)}`;
}
