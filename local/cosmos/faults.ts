// Failures on purpose, of the kinds Azure has: a refusal, a lost answer, a dropped connection, a delay.
import { seededRandom } from '../random.js';
import { badRequest, CosmosError, throttled } from './errors.js';
import { isObject, type Value } from './json.js';

const REFUSALS = [408, 410, 429, 449, 500, 503] as const;

/** What happens to requests about items; those a client makes for itself (plans, metadata) are spared. */
export type Fault = {
  /** How many requests it hits before it ends; without, it lasts until cleared. */
  times?: number;
  /** Which share of the requests it hits, by the seeded sequence; without, every one. */
  rate?: number;
  /** Reads or writes only; a query is a read. */
  on?: 'reads' | 'writes';
  /** Only requests to the container of this id. */
  container?: string;
} & (
  | { kind: 'refuse'; status: (typeof REFUSALS)[number]; substatus?: number; retryAfterMs?: number }
  /** Does the work, makes it durable, and drops the connection instead of answering. */
  | { kind: 'loseAck' }
  /** Drops the connection before any work. */
  | { kind: 'drop' }
  | { kind: 'delay'; ms: number }
  /** Reads of the change feed begin so many changes (1 unless said) before where they were: a batch comes again. */
  | { kind: 'repeatFeed'; changes?: number }
);

/** What is to happen to one request. */
export interface Verdict {
  refusal: CosmosError | undefined;
  loseAck: boolean;
  drop: boolean;
  delayMs: number;
  /** Changes that a read of the change feed goes back by. */
  repeatFeed: number;
}

const isNumber = (value: Value): boolean => value === undefined || (typeof value === 'number' && value >= 0);

/** Reads a fault from JSON. Throws 400. */
function parseFault(body: Value): Fault {
  if (!isObject(body)) throw badRequest('A fault is a JSON object with a kind.');
  const { kind, times, rate, on, container, status, substatus, retryAfterMs, ms, changes } = body;
  const valid =
    ((kind === 'refuse' && REFUSALS.some((known) => known === status)) ||
      kind === 'loseAck' ||
      kind === 'drop' ||
      kind === 'repeatFeed' ||
      (kind === 'delay' && typeof ms === 'number')) &&
    [times, rate, substatus, retryAfterMs, ms, changes].every(isNumber) &&
    (on === undefined || on === 'reads' || on === 'writes') &&
    (container === undefined || typeof container === 'string');
  if (!valid)
    throw badRequest(
      `A fault is {kind: refuse (with status ${REFUSALS.join(', ')}), loseAck, drop, delay (with ms) or ` +
        'repeatFeed (may have changes)} and may have times, rate, on (reads or writes) and container; or it is ' +
        '{seed}, or {skewClockMs}.',
    );
  return body as unknown as Fault;
}

export class Faults {
  #active: Fault[] = [];
  #random = seededRandom(1);
  readonly #skewClock: (ms: number) => void;

  /** @param skewClock sets how far (ms) the server's clock is ahead */
  constructor(skewClock: (ms: number) => void = () => {}) {
    this.#skewClock = skewClock;
  }

  /** The faults in force. */
  get active(): readonly Fault[] {
    return this.#active;
  }

  add(fault: Fault): void {
    this.#active.push({ ...fault });
  }

  /** Adds a fault given as JSON; `{"seed": number}` seeds instead, `{"skewClockMs": number}` sets the clock ahead. Throws 400. */
  inject(body: Value): void {
    const { seed, skewClockMs } = isObject(body) ? body : {};
    if (typeof seed === 'number') this.seed(seed);
    else if (typeof skewClockMs === 'number') this.#skewClock(skewClockMs);
    else this.add(parseFault(body));
  }

  /** Ends all faults. */
  clear(): void {
    this.#active = [];
    this.#skewClock(0);
  }

  /** Begins the sequence behind `rate` anew: the same seed, the same requests hit. */
  seed(seed: number): void {
    this.#random = seededRandom(seed);
  }

  /** Decides for one request, and counts it. */
  judge(request: { isWrite: boolean; isFeed: boolean; container: string | undefined }): Verdict {
    const verdict: Verdict = { refusal: undefined, loseAck: false, drop: false, delayMs: 0, repeatFeed: 0 };
    for (const fault of this.#active) {
      if (fault.on !== undefined && (fault.on === 'writes') !== request.isWrite) continue;
      if (fault.kind === 'repeatFeed' && !request.isFeed) continue;
      if (fault.container !== undefined && fault.container !== request.container) continue;
      if (fault.rate !== undefined && this.#random() >= fault.rate) continue;
      if (fault.times !== undefined && --fault.times <= 0)
        this.#active = this.#active.filter((other) => other !== fault);
      switch (fault.kind) {
        case 'refuse':
          verdict.refusal =
            fault.status === 429
              ? throttled(fault.retryAfterMs ?? 10)
              : new CosmosError(fault.status, 'A fault was injected.', {
                  ...(fault.substatus === undefined ? {} : { substatus: fault.substatus }),
                  ...(fault.retryAfterMs === undefined ? {} : { retryAfterMs: fault.retryAfterMs }),
                });
          break;
        case 'loseAck':
          verdict.loseAck = true;
          break;
        case 'drop':
          verdict.drop = true;
          break;
        case 'delay':
          verdict.delayMs += fault.ms;
          break;
        case 'repeatFeed':
          verdict.repeatFeed = fault.changes ?? 1;
          break;
      }
    }
    return verdict;
  }
}
