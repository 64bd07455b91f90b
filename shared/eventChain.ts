import { createHash } from 'node:crypto';
import type { JobEvent } from './contract/event.js';
import type { Job, Run } from './contract/job.js';
import type { EventDraft } from './rules/lifecycle.js';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** JSON with sorted keys and without undefined fields: the same value has one text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
      : part,
  );
}

export const eventId = (seq: number): string => `event:${String(seq).padStart(8, '0')}`;

/** Of an event's content and the hash of the one before it; a `hash` that it has already does not count. */
export const hashOfEvent = ({ prevHash, ...content }: Omit<JobEvent, 'hash'>): string =>
  sha256(prevHash + canonicalJson({ ...content, hash: undefined }));

/** Of all that a job or a run says but for the job's place in its chain, which the chain itself proves. */
export const hashOfDocument = (document: Job | Run): string =>
  sha256(canonicalJson({ ...document, events: undefined, headHash: undefined }));

/**
 * Numbers the events on from the job's last one and chains their hashes; the job gets the new head. Each event holds
 * the hashes of the documents that are written with it, so that nobody changes those behind the events.
 * @param runs that are written in the same batch
 */
export function sealEvents(
  job: Job,
  drafts: readonly EventDraft[],
  runs: readonly Run[] = [],
): { job: Job; events: JobEvent[] } {
  const documents = Object.fromEntries([job, ...runs].map((one) => [one.id, hashOfDocument(one)]));
  const events: JobEvent[] = [];
  let seq = job.events;
  let prevHash = job.headHash;
  for (const { body, actor, at, stage, from } of drafts) {
    seq += 1;
    const open = {
      id: eventId(seq),
      type: 'event' as const,
      productId: job.productId,
      jobId: job.jobId,
      seq,
      at,
      actor,
      stage,
      ...(from === undefined ? {} : { from }),
      body,
      documents,
      prevHash,
    };
    const hash = hashOfEvent(open);
    events.push({ ...open, hash });
    prevHash = hash;
  }
  return { job: { ...job, events: seq, headHash: prevHash }, events };
}
