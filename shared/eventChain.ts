import { createHash } from 'node:crypto';
import type { JobEvent } from './contract/event.js';
import type { Job } from './contract/job.js';
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

/** Numbers the events on from the job's last one and chains their hashes; the job gets the new head. */
export function sealEvents(job: Job, drafts: readonly EventDraft[]): { job: Job; events: JobEvent[] } {
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
      prevHash,
    };
    const hash = hashOfEvent(open);
    events.push({ ...open, hash });
    prevHash = hash;
  }
  return { job: { ...job, events: seq, headHash: prevHash }, events };
}
