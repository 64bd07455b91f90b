import type { AuditFinding, AuditHead, AuditReport, Checkpoint } from '../../shared/contract/audit.js';
import type { RouteInput } from '../../shared/contract/routeTypes.js';
import type { SwitchAudit } from '../../shared/contract/switches.js';
import { AppError } from '../../shared/errors.js';
import { CONTROL, FLEET, JOBS } from '../../shared/topology.js';
import { auditJob, type Sealed } from './auditChain.js';
import { hashOfCheckpoint, readCheckpoint } from './auditSeal.js';
import { dayOf, daysBetween, readAuditHead, readLines } from './auditStore.js';
import { hasRole, requireRole, type Caller } from './caller.js';
import { hashOfRecord } from './checkpointAudit.js';
import type { Deps } from './deps.js';
import { locateJob, noSuchJob, readHistory, type JobRef } from './jobStore.js';
import { readProduct } from './products.js';

/** Jobs that are looked at side by side. */
const CONCURRENCY = 16;
/** More would only repeat that somebody was there. */
const MAX_FINDINGS = 200;
/** A job older than this must be in a checkpoint: two turns of the timer (ms). */
const SEALED_WITHIN_MS = 150_000;

/**
 * Checks the checkpoints, then every job that the caller reviews (or one, or those of a product) against its own chain
 * and against them.
 * @throws AppError forbidden, not-found
 */
export async function verifyAudit(
  deps: Deps,
  caller: Caller,
  { query }: RouteInput<'verifyAudit'>,
): Promise<AuditReport> {
  if (query.productId !== undefined) requireRole(caller, 'reviewer', query.productId);
  const seals = await readSeals(deps);
  const found = await jobsOf(deps, query, seals);
  // A name that was mistyped must not look like a record that is whole.
  if (query.productId !== undefined && found.length === 0) await readProduct(deps, query.productId);
  if (query.jobId !== undefined) requireRole(caller, 'reviewer', found[0]?.productId ?? '*');
  const refs = found.filter(({ productId }) => hasRole(caller, 'reviewer', productId));

  const findings = [...seals.findings];
  let events = 0;
  const queue = [...refs];
  const work = async (): Promise<void> => {
    for (let ref = queue.shift(); ref; ref = queue.shift()) {
      const checked = await checkJob(deps, ref, seals);
      events += checked.events;
      findings.push(...checked.findings);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  if (hasRole(caller, 'reviewer', '*') && query.jobId === undefined && query.productId === undefined)
    findings.push(...(await checkRecords(deps, seals)));
  return {
    ok: findings.length === 0,
    jobs: refs.length,
    events,
    checkpoints: seals.count,
    ...(seals.last ? { sealedAt: seals.last.at } : {}),
    publicKey: deps.auditSeal.publicKey,
    findings: findings.slice(0, MAX_FINDINGS),
  };
}

interface Seals {
  readonly count: number;
  readonly last: Checkpoint | undefined;
  readonly findings: AuditFinding[];
  /** By job, in the order of the checkpoints. */
  readonly heads: ReadonlyMap<string, readonly Sealed[]>;
  readonly records: ReadonlyMap<string, string>;
}

/** Reads every checkpoint and holds it against the one before it. */
async function readSeals(deps: Deps): Promise<Seals> {
  const head = (await readAuditHead(deps))?.document;
  const today = dayOf(deps.clock.now());
  const findings: AuditFinding[] = [];
  const tell = (message: string): void => void findings.push({ kind: 'checkpoint', message });
  const heads = new Map<string, Sealed[]>();
  const records = new Map<string, string>();
  let last: Checkpoint | undefined;
  let count = 0;
  for (const day of daysBetween(head?.firstDay ?? today, today)) {
    for (const [index, line] of (await readLines(deps, day)).entries()) {
      count += 1;
      const checkpoint = readCheckpoint(line);
      const where = `checkpoints/${day}.jsonl line ${index + 1}`;
      if (!checkpoint) {
        tell(`${where} is no checkpoint`);
        continue;
      }
      if (!deps.auditSeal.isGenuine(checkpoint))
        tell(`${where}: checkpoint ${checkpoint.n} has no valid signature`);
      const expected = (last?.n ?? 0) + 1;
      if (checkpoint.n !== expected)
        tell(`${where}: checkpoint ${checkpoint.n} stands where ${expected} should`);
      else if (checkpoint.prevHash !== (last ? hashOfCheckpoint(last) : ''))
        tell(`${where}: checkpoint ${checkpoint.n} does not follow the one before it`);
      for (const sealed of checkpoint.heads)
        heads.set(sealed.jobId, [...(heads.get(sealed.jobId) ?? []), { ...sealed, at: checkpoint.at }]);
      for (const { id, hash } of checkpoint.records) records.set(id, hash);
      last = checkpoint;
    }
  }
  checkEnd(head, last, tell);
  if (!head) {
    const [oldest] = await deps.documents.select<string>(JOBS, {
      text: `SELECT VALUE MIN(c.submittedAt) FROM c WHERE c.type = 'job'`,
    });
    if (oldest && Date.parse(deps.clock.now()) - Date.parse(oldest) > SEALED_WITHIN_MS)
      tell(`no checkpoint is noted in the database, although there are jobs since ${oldest}`);
  }
  return { count, last, findings, heads, records };
}

/** A turn of the timer may have died between blob and database, so one line more than noted is right. */
function checkEnd(
  head: AuditHead | undefined,
  last: Checkpoint | undefined,
  tell: (message: string) => void,
): void {
  const [noted, found] = [head?.n ?? 0, last?.n ?? 0];
  if (found < noted) tell(`checkpoints ${found + 1} to ${noted} are missing at the end`);
  else if (found > noted + 1) tell(`the database notes ${noted} checkpoints, but there are ${found}`);
  else if (found === noted && head && last && hashOfCheckpoint(last) !== head.hash)
    tell(`checkpoint ${found} is not the one that the database notes`);
}

async function jobsOf(
  deps: Deps,
  { productId, jobId }: RouteInput<'verifyAudit'>['query'],
  seals: Seals,
): Promise<JobRef[]> {
  const sealed = [...seals.heads.values()].flatMap(([first]) => (first ? [first] : []));
  if (jobId !== undefined) {
    const known = sealed.find((one) => one.jobId === jobId);
    return [known ? refOf(known) : await locateJob(deps, jobId)];
  }
  const stored = await deps.documents.select<JobRef>(JOBS, {
    text: `SELECT c.productId, c.jobId FROM c WHERE c.type = 'job'${productId === undefined ? '' : ' AND c.productId = @productId'}`,
    parameters: { productId },
  });
  const refs = new Map(stored.map((ref) => [ref.jobId, ref]));
  for (const one of sealed)
    if (productId === undefined || one.productId === productId) refs.set(one.jobId, refOf(one));
  return [...refs.values()];
}

const refOf = ({ productId, jobId }: JobRef): JobRef => ({ productId, jobId });

async function checkJob(
  deps: Deps,
  ref: JobRef,
  seals: Seals,
): Promise<{ events: number; findings: AuditFinding[] }> {
  const sealed = seals.heads.get(ref.jobId) ?? [];
  const check = async (): Promise<{ events: number; findings: AuditFinding[] }> => {
    const history = await readHistory(deps, ref).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'not-found') return undefined;
      throw error;
    });
    if (history) return { events: history.events.length, findings: auditJob(history, sealed) };
    const last = sealed.at(-1);
    if (!last) throw noSuchJob(ref.jobId);
    const message = `${ref.jobId} is gone; it had ${last.events} events at ${last.at}`;
    return { events: 0, findings: [{ kind: 'gone', ...ref, message }] };
  };
  const first = await check();
  // The pages of one read may stem from before and after a change: what is really broken is so twice.
  return first.findings.length === 0 ? first : check();
}

/** Records of kill switches. Those that are not sealed yet are of the last minute. */
async function checkRecords(deps: Deps, seals: Seals): Promise<AuditFinding[]> {
  const stored = await deps.documents.query<SwitchAudit>(CONTROL, {
    text: `SELECT * FROM c WHERE c.type = 'audit'`,
    partition: [FLEET],
  });
  const hashes = new Map(stored.map(({ document }) => [document.id, hashOfRecord(document)]));
  return [...seals.records].flatMap(([id, hash]): AuditFinding[] => {
    const found = hashes.get(id);
    if (found === hash) return [];
    return found === undefined
      ? [{ kind: 'gone', message: `the record ${id} is gone` }]
      : [{ kind: 'changed', message: `the record ${id} is not as it was sealed` }];
  });
}
