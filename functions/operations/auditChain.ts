import type { AuditFinding, SealedHead } from '../../shared/contract/audit.js';
import type { JobEvent } from '../../shared/contract/event.js';
import type { Job, Run } from '../../shared/contract/job.js';
import { hashOfDocument, hashOfEvent } from '../../shared/eventChain.js';

export type Sealed = SealedHead & { readonly at: string };

/**
 * Holds a job's events against their own hashes, against each other, against what was sealed, and the job and its
 * runs against what the events say of them.
 * @param history events in the order of their sequence
 * @param sealed in the order of the checkpoints
 */
export function auditJob(
  { job, runs, events }: { job: Job; runs: readonly Run[]; events: readonly JobEvent[] },
  sealed: readonly Sealed[] = [],
): AuditFinding[] {
  const { productId, jobId } = job;
  const found: AuditFinding[] = [];
  const tell = (kind: AuditFinding['kind'], seq: number, message: string): void => {
    found.push({ kind, productId, jobId, seq, message: `${jobId} event ${seq}: ${message}` });
  };
  let last: JobEvent | undefined;
  for (const event of events) {
    const expected = (last?.seq ?? 0) + 1;
    if (event.seq !== expected)
      tell('removed', expected, `${gap(expected, event.seq - 1)} missing before event ${event.seq}`);
    else if (last && event.prevHash !== last.hash)
      tell('reordered', event.seq, 'does not follow the one before it');
    if (hashOfEvent(event) !== event.hash) tell('changed', event.seq, 'its content does not have its hash');
    last = event;
  }
  const count = last?.seq ?? 0;
  if (count < job.events) tell('removed', count + 1, `${gap(count + 1, job.events)} missing at the end`);
  if (count > job.events) tell('changed', job.events + 1, `the job knows of ${job.events} events only`);
  if (count === job.events && last) {
    if (last.hash !== job.headHash) tell('changed', count, 'is not the one that the job names as its last');
    if (last.stage !== job.stage)
      tell('stage', count, `left the job in ${last.stage}, but the job says ${job.stage}`);
  }
  for (const { seq, message, kind } of auditDocuments([job, ...runs], events))
    // A stage that no event made is told already, and what the end of the chain said is not known without it.
    if (!found.some((one) => one.seq === seq || one.kind === 'removed')) tell(kind, seq, message);
  const broken = sealed.find(({ events: seq, headHash }) => events[seq - 1]?.hash !== headHash);
  // What was found above explains it; only a chain that was made anew as a whole needs the checkpoint.
  if (broken && !found.some(({ seq }) => seq !== undefined && seq <= broken.events)) {
    const kind = broken.events > count ? 'removed' : 'changed';
    const since = sealed.findLast((one) => one.events < broken.events)?.events ?? 0;
    tell(kind, since + 1, `events ${since + 1} to ${broken.events} are not those sealed at ${broken.at}`);
  }
  return found;
}

/** The documents against the last event that was written together with each of them. */
function* auditDocuments(
  documents: readonly (Job | Run)[],
  events: readonly JobEvent[],
): Generator<{ kind: AuditFinding['kind']; seq: number; message: string }> {
  const written = new Map<string, { hash: string; seq: number }>();
  for (const { documents: hashes = {}, seq } of events)
    for (const [id, hash] of Object.entries(hashes)) written.set(id, { hash, seq });
  for (const document of documents) {
    const last = written.get(document.id);
    const seq = last?.seq ?? events.length;
    if (last === undefined)
      yield { kind: 'changed', seq, message: `no event wrote the document ${document.id}` };
    else if (last.hash !== hashOfDocument(document))
      yield { kind: 'changed', seq, message: `the document ${document.id} is not as it was written with it` };
  }
  for (const [id, { seq }] of written)
    if (!documents.some((document) => document.id === id))
      yield { kind: 'removed', seq, message: `the document ${id}, which was written with it, is missing` };
}

const gap = (from: number, to: number): string =>
  from === to ? `event ${from} is` : `events ${from} to ${to} are`;
