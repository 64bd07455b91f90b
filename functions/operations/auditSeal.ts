import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { CheckpointSchema, type Checkpoint } from '../../shared/contract/audit.js';
import { canonicalJson, sha256 } from '../../shared/eventChain.js';

/** What PKCS #8 puts in front of the 32 bytes of an Ed25519 key (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
export const SEAL_KEY_BYTES = 32;

/** Signs checkpoints. Ed25519, so that who checks them needs nothing that could forge them. */
export interface AuditSeal {
  sign(open: Omit<Checkpoint, 'signature'>): Checkpoint;
  isGenuine(checkpoint: Checkpoint): boolean;
  /** Base64 of its 32 bytes. */
  readonly publicKey: string;
}

/** @param key 32 random bytes @throws RangeError when there are not 32 */
export function auditSeal(key: Uint8Array): AuditSeal {
  if (key.length !== SEAL_KEY_BYTES)
    throw new RangeError(`an audit key has ${SEAL_KEY_BYTES} bytes, not ${key.length}`);
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, key]),
    format: 'der',
    type: 'pkcs8',
  });
  const publicKey: KeyObject = createPublicKey(privateKey);
  return {
    sign: (open) => ({
      ...open,
      signature: sign(null, Buffer.from(canonicalJson(open)), privateKey).toString('base64'),
    }),
    isGenuine({ signature, ...open }) {
      return verify(null, Buffer.from(canonicalJson(open)), publicKey, Buffer.from(signature, 'base64'));
    },
    publicKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(-SEAL_KEY_BYTES).toString('base64'),
  };
}

export const hashOfCheckpoint = (checkpoint: Checkpoint): string => sha256(canonicalJson(checkpoint));

export const lineOf = (checkpoint: Checkpoint): Uint8Array => Buffer.from(`${JSON.stringify(checkpoint)}\n`);

/** Undefined for a line that is no checkpoint. */
export function readCheckpoint(line: string): Checkpoint | undefined {
  try {
    return CheckpointSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
