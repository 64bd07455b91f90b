import { JobEventSchema, type JobEvent } from '../../shared/contract/event.js';

/** An event of the feed, without what the database adds to it. @throws ZodError for anything else */
export function readEvent(document: unknown): JobEvent {
  if (typeof document !== 'object' || document === null) return JobEventSchema.parse(document);
  const own = Object.entries(document).filter(([name]) => !name.startsWith('_'));
  return JobEventSchema.parse(Object.fromEntries(own));
}
