import type { Deps } from './deps.js';
import { after } from '../../shared/rules/leases.js';

const BASE_SECONDS = 5;
/** An outage of a day costs a message about a hundred tries. */
const CAP_SECONDS = 900;

/** Seconds before try number `attempt` + 1: doubles, capped, with up to a fifth of jitter. */
export function backOffSeconds(attempt: number, jitter: number): number {
  return Math.min(CAP_SECONDS, BASE_SECONDS * 2 ** Math.min(attempt, 16)) * (1 + jitter / 5);
}

/**
 * Schedules the next try of a message whose receiver is away. This one is then completed: abandoning it would bring
 * it back at once and burn its delivery count in moments.
 */
export async function tryLater(
  deps: Deps,
  queue: string,
  message: { body: object; messageId: string; sessionId?: string },
  attempt: number,
  atLeastSeconds = 0,
): Promise<void> {
  const seconds = Math.max(atLeastSeconds, backOffSeconds(attempt, deps.chance.random()));
  await deps.bus.send(queue, {
    ...message,
    messageId: `${message.messageId}~${attempt + 1}`,
    notBefore: after(deps.clock.now(), seconds),
  });
}
