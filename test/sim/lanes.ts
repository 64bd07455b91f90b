// Watches to which sessions tickets go: a lane's own, or those of its shards while it runs hot.
import { TicketSchema } from '../../shared/contract/messages.js';
import type { SimTime } from './time.js';

/** The product counts in windows of so long, and remembers the one before (ms). */
const WINDOW_MS = 5000;
const MAX_SHARDS = 16;

interface Sent {
  readonly at: number;
  readonly session: string;
}

export class Lanes {
  /** Tickets that went to a shard. */
  sharded = 0;
  readonly #time: SimTime;
  /** Tickets of a lane that one session takes in one window. */
  readonly #aWindow: number;
  readonly #violate: (rule: string, message: string) => void;
  /** What each instance sent of each lane within the last three windows: the product looks two of them back. */
  readonly #sent = new Map<object, Map<string, Sent[]>>();

  constructor(time: SimTime, perSecond: number, violate: (rule: string, message: string) => void) {
    this.#time = time;
    this.#aWindow = (perSecond * WINDOW_MS) / 1000;
    this.#violate = violate;
  }

  /** @param instance whose own count tells how hot the lane is */
  sent(instance: object, body: unknown, session: string | undefined): void {
    const ticket = TicketSchema.safeParse(body).data?.ticket;
    if (!ticket) return;
    const { pool, lane } = ticket;
    const shard = session === lane ? 0 : Number(/~(\d+)$/.exec(session ?? '')?.[1]);
    if (session !== (shard === 0 ? lane : `${lane}~${shard}`) || shard >= MAX_SHARDS)
      this.#violate('a ticket goes to a session of its lane', `one of ${lane} went to ${session}`);
    if (shard > 0) this.sharded += 1;
    const at = this.#time.now;
    const lanes = this.#sent.get(instance) ?? new Map<string, Sent[]>();
    this.#sent.set(instance, lanes);
    const before = (lanes.get(`${pool} ${lane}`) ?? []).filter((one) => at - one.at < 3 * WINDOW_MS);
    if (before.length <= this.#aWindow && shard > 0)
      this.#violate('a lane that cooled is one session again', `a ticket of ${lane} went to ${session}`);
    const all = [...before, { at, session: session ?? '' }];
    lanes.set(`${pool} ${lane}`, all);
    // Half of them at least are in one window, and by then it had seen more than one session takes.
    const burst = all.filter((one) => at - one.at < WINDOW_MS);
    if (burst.length >= 2 * (this.#aWindow + 3) && burst.every((one) => one.session === session))
      this.#violate(
        'a hot lane is spread over sessions',
        `${burst.length} tickets of ${lane} went to ${session} within ${WINDOW_MS / 1000} s`,
      );
  }
}
