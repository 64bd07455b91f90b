import type { AuditHead } from '../../shared/contract/audit.js';
import type { Stored } from '../../shared/cloud/documents.js';
import { CONTROL, FLEET } from '../../shared/topology.js';
import type { Deps } from './deps.js';

export const AUDIT_BLOBS = 'audit';
const DAY_MS = 86_400_000;
/** Bytes read at once. */
const CHUNK = 4 * 1024 * 1024;

export const dayOf = (at: string): string => at.slice(0, 10);
export const blobOf = (day: string): string => `checkpoints/${day}.jsonl`;

export const readAuditHead = (deps: Deps): Promise<Stored<AuditHead> | undefined> =>
  deps.documents.read<AuditHead>(CONTROL, [FLEET], 'audit-head');

/** Days from the first to the last one, both included. */
export function daysBetween(first: string, last: string): string[] {
  const days: string[] = [];
  for (let at = Date.parse(first); at <= Date.parse(last); at += DAY_MS)
    days.push(dayOf(new Date(at).toISOString()));
  return days;
}

/** The lines of a day's blob from a place on; none when there is no such blob. */
export async function readLines(deps: Deps, day: string, from = 0): Promise<string[]> {
  const blob = blobOf(day);
  const { length } = (await deps.blobs.log(AUDIT_BLOBS, blob)) ?? { length: 0 };
  const chunks: Uint8Array[] = [];
  for (let at = from; at < length; at += CHUNK)
    chunks.push(await deps.blobs.read(AUDIT_BLOBS, blob, at, Math.min(CHUNK, length - at)));
  return Buffer.concat(chunks)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
}
