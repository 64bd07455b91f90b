// A physical partition: a stretch of the hash ring with a log sequence of its own.
import { badRequest, CosmosError, SUBSTATUS, throttled } from './errors.js';
import { ItemSet, type Item } from './itemSet.js';

/** Superseded versions the change log may hold before it is cleaned, beyond as many as there are items. */
const MAX_STALE_CHANGES = 1024;

export class PartitionRange {
  readonly id: string;
  readonly min: string;
  readonly max: string;
  readonly set = new ItemSet();
  /** The last log sequence number given out. */
  lsn = 0;
  /** Latest versions by LSN, with superseded ones among them. */
  #changes: Item[] = [];
  /** Request units left in the bucket; negative after a request that cost more than there was. */
  #budget: number;
  #budgetAt: number;
  readonly #perSecond: number;

  /** @param perSecond request units a second; Infinity for no limit */
  constructor(id: string, min: string, max: string, perSecond: number, now: number) {
    this.id = id;
    this.min = min;
    this.max = max;
    this.#perSecond = perSecond;
    this.#budget = perSecond;
    this.#budgetAt = now;
  }

  holds(effectiveKey: string): boolean {
    return effectiveKey >= this.min && effectiveKey < this.max;
  }

  get sessionToken(): string {
    return `${this.id}:-1#${this.lsn}`;
  }

  /** Throws 429 while earlier requests have used up what the second allows. */
  admit(now: number): void {
    if (this.#perSecond === Infinity) return;
    const gained = (Math.max(0, now - this.#budgetAt) / 1000) * this.#perSecond;
    this.#budget = Math.min(this.#perSecond, this.#budget + gained);
    this.#budgetAt = now;
    if (this.#budget <= 0) throw throttled(Math.ceil((-this.#budget / this.#perSecond) * 1000) + 1);
  }

  spend(charge: number): void {
    this.#budget -= charge;
  }

  /**
   * A session token: what a client has seen. Throws 404/1002 if it saw writes that are not here, as when a store in
   * memory began anew; 400 if it is malformed.
   */
  checkSession(token: string): void {
    for (const part of token.split(',')) {
      const match = /^(\w+):-?\d+#(\d+)/.exec(part.trim());
      if (!match) throw badRequest(`The session token provided '${token.slice(0, 100)}' is invalid.`);
      if (match[1] === this.id && Number(match[2]) > this.lsn)
        throw new CosmosError(404, 'The read session is not available for the input session token.', {
          substatus: SUBSTATUS.sessionNotAvailable,
        });
    }
  }

  /** Takes up a version; called in the order of LSNs. */
  record(item: Item): void {
    this.lsn = Math.max(this.lsn, item.lsn);
    this.#changes.push(item);
    if (this.#changes.length > 2 * this.set.size + MAX_STALE_CHANGES)
      this.#changes = this.#changes.filter((change) => change.current);
  }

  /** Latest versions with an LSN above `after`, in order, deletes left out. */
  *changesAfter(after: number): Generator<Item> {
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#changes[middle]!.lsn <= after) low = middle + 1;
      else high = middle;
    }
    for (let at = low; at < this.#changes.length; at++) {
      const change = this.#changes[at]!;
      if (change.current) yield change;
    }
  }
}
