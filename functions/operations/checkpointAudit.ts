import type { Stored } from '../../shared/cloud/documents.js';
import { isCloudError } from '../../shared/cloud/errors.js';
import type { AuditHead, Checkpoint, SealedHead, SealedRecord } from '../../shared/contract/audit.js';
import type { SwitchAudit } from '../../shared/contract/switches.js';
import { CONTROL, FLEET, JOBS } from '../../shared/topology.js';
import { hashOfCheckpoint, lineOf, readCheckpoint } from './auditSeal.js';
import { AUDIT_BLOBS, blobOf, dayOf, readAuditHead, readLines } from './auditStore.js';
import type { Deps } from './deps.js';
import { canonicalJson, sha256 } from '../../shared/eventChain.js';

/** A look begins so long before the newest change of the last one: partitions date by clocks of their own (s). */
const OVERLAP_SECONDS = 60;
/** Jobs in one checkpoint: about 200 bytes each, and one append holds at most 4 MiB. */
const MAX_HEADS = 5000;

/** What was written since, each with when (s). */
interface Seen {
  readonly heads: readonly { readonly head: SealedHead; readonly changedAt: number }[];
  readonly records: readonly { readonly record: SealedRecord; readonly changedAt: number }[];
}

/**
 * Seals what was written since the last time: the heads of the jobs' event chains and the records of kill switches, in
 * one signed line that also names the line before it. First the blob, then the head in the database; who dies in
 * between leaves a line that the next time is taken over as it is.
 * @returns the checkpoint; undefined when nothing was new
 */
export async function checkpointAudit(deps: Deps): Promise<Checkpoint | undefined> {
  const stored = await readAuditHead(deps);
  const adopted = stored && (await adopt(deps, stored));
  if (adopted) return adopted;
  const before = stored?.document;
  const seen = await changesSince(deps, Math.max(0, (before?.seenUntil ?? 0) - OVERLAP_SECONDS));
  const heads = seen.heads
    .filter(({ head }) => before?.recent[head.jobId] !== head.headHash)
    .slice(0, MAX_HEADS);
  const records = seen.records.filter(({ record }) => before?.recent[record.id] !== record.hash);
  if (heads.length === 0 && records.length === 0) return undefined;

  const at = deps.clock.now();
  const checkpoint = deps.auditSeal.sign({
    n: (before?.n ?? 0) + 1,
    at,
    heads: heads.map(({ head }) => head),
    records: records.map(({ record }) => record),
    prevHash: before?.hash ?? '',
  });
  const day = dayOf(at);
  const offset = before?.day === day ? before.length : 0;
  const line = lineOf(checkpoint);
  const length = await deps.blobs.append(AUDIT_BLOBS, blobOf(day), offset, line);
  if (length !== offset + line.length) {
    deps.log('error', 'the checkpoints end elsewhere than the database says: aq audit verify tells where', {
      blob: blobOf(day),
      expected: offset,
      found: length,
    });
    return undefined;
  }
  const seenUntil = Math.max(before?.seenUntil ?? 0, ...[...heads, ...records].map((one) => one.changedAt));
  await writeHead(deps, stored, {
    ...headAfter(before, checkpoint, day, length),
    seenUntil,
    recent: recentOf(seen, checkpoint, before, seenUntil),
  });
  return checkpoint;
}

/** A line that was written by a turn that died before it could note it. */
async function adopt(deps: Deps, stored: Stored<AuditHead>): Promise<Checkpoint | undefined> {
  const { document: head } = stored;
  const today = dayOf(deps.clock.now());
  for (const day of new Set([head.day, today])) {
    const from = day === head.day ? head.length : 0;
    const [line] = await readLines(deps, day, from);
    const checkpoint = line === undefined ? undefined : readCheckpoint(line);
    if (!line || !checkpoint) continue;
    if (checkpoint.prevHash !== head.hash || !deps.auditSeal.isGenuine(checkpoint)) continue;
    const length = from + Buffer.byteLength(line) + 1;
    // `seenUntil` stays: the next look seals once more what this line holds already, which does no harm.
    await writeHead(deps, stored, {
      ...headAfter(head, checkpoint, day, length),
      seenUntil: head.seenUntil,
      recent: head.recent,
    });
    return checkpoint;
  }
  return undefined;
}

const headAfter = (
  before: AuditHead | undefined,
  checkpoint: Checkpoint,
  day: string,
  length: number,
): Omit<AuditHead, 'seenUntil' | 'recent'> => ({
  id: 'audit-head',
  type: 'audit-head',
  productId: FLEET,
  n: checkpoint.n,
  hash: hashOfCheckpoint(checkpoint),
  firstDay: before?.firstDay ?? day,
  day,
  length,
});

/** Another instance may be at it: its line is then found by the next turn. */
async function writeHead(deps: Deps, before: Stored<AuditHead> | undefined, head: AuditHead): Promise<void> {
  try {
    if (before) await deps.documents.replace(CONTROL, [FLEET], head, before.etag);
    else await deps.documents.create(CONTROL, head);
  } catch (error) {
    if (!isCloudError(error, 'precondition', 'exists')) throw error;
  }
}

async function changesSince(deps: Deps, since: number): Promise<Seen> {
  const [heads, records] = await Promise.all([
    deps.documents.select<SealedHead & { changedAt: number }>(JOBS, {
      text: `SELECT c.productId, c.jobId, c.events, c.headHash, c._ts AS changedAt FROM c
             WHERE c.type = 'job' AND c._ts >= @since ORDER BY c._ts`,
      parameters: { since },
    }),
    deps.documents.select<SwitchAudit & { _ts: number }>(CONTROL, {
      text: `SELECT VALUE c FROM c WHERE c.type = 'audit' AND c._ts >= @since`,
      parameters: { since },
      partition: [FLEET],
    }),
  ]);
  return {
    heads: heads.map(({ changedAt, ...head }) => ({ head, changedAt })),
    records: records.map((document) => ({
      record: { id: document.id, hash: hashOfRecord(document) },
      changedAt: document._ts,
    })),
  };
}

/** Of what was written, without what the database adds. */
export const hashOfRecord = (record: object): string =>
  sha256(canonicalJson(Object.fromEntries(Object.entries(record).filter(([name]) => !name.startsWith('_')))));

/** What the next look will see once more, as far as it is sealed. */
function recentOf(
  seen: Seen,
  checkpoint: Checkpoint,
  before: AuditHead | undefined,
  seenUntil: number,
): Record<string, string> {
  const sealed = new Map([
    ...Object.entries(before?.recent ?? {}),
    ...checkpoint.heads.map(({ jobId, headHash }): [string, string] => [jobId, headHash]),
    ...checkpoint.records.map(({ id, hash }): [string, string] => [id, hash]),
  ]);
  const since = seenUntil - OVERLAP_SECONDS;
  return Object.fromEntries(
    [
      ...seen.heads.map(({ head, changedAt }) => ({ id: head.jobId, hash: head.headHash, changedAt })),
      ...seen.records.map(({ record, changedAt }) => ({ ...record, changedAt })),
    ]
      .filter(({ id, hash, changedAt }) => changedAt >= since && sealed.get(id) === hash)
      .map(({ id, hash }) => [id, hash]),
  );
}
