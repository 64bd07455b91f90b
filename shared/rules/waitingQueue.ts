/** Jobs that wait, in order: adding and removing are logarithmic, looking at the first ones costs nothing. */
import type { ReadyEntry } from '../contract/fleet.js';

/** A ready job with its times as numbers. */
export interface Waiting {
  readonly entry: ReadyEntry;
  /** Milliseconds since 1970. */
  readonly submitted: number;
  /** A retry may not start before; 0 where nothing is to be waited for. Milliseconds since 1970. */
  readonly due: number;
}

/** So many places may be empty at the front before the others move up. */
const MAX_EMPTY = 64;

export class WaitingQueue {
  private readonly by: 'submitted' | 'due';
  private items: Waiting[] = [];
  /** Those before it are gone: the front is where most leave, and moving all the others each time would be linear. */
  private first = 0;

  constructor(by: 'submitted' | 'due') {
    this.by = by;
  }

  get size(): number {
    return this.items.length - this.first;
  }

  /** The job at a place, 0 for the first. */
  at(place: number): Waiting | undefined {
    return this.items[this.first + place];
  }

  add(one: Waiting): void {
    this.items.splice(this.placeOf(one), 0, one);
  }

  remove(one: Waiting): void {
    const place = this.placeOf(one);
    if (this.items[place]?.entry.id !== one.entry.id) return;
    if (place > this.first) {
      this.items.splice(place, 1);
      return;
    }
    this.first++;
    if (this.first <= MAX_EMPTY || this.first * 2 <= this.items.length) return;
    this.items = this.items.slice(this.first);
    this.first = 0;
  }

  /** Where the job stands, or would stand. Equal times are ordered by id. */
  private placeOf(one: Waiting): number {
    let low = this.first;
    let high = this.items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.items[middle];
      if (other !== undefined && this.isBefore(other, one)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private isBefore(one: Waiting, other: Waiting): boolean {
    const difference = one[this.by] - other[this.by];
    return difference < 0 || (difference === 0 && one.entry.id < other.entry.id);
  }
}
