import type { Clock } from '../clock.js';
import { seededRandom } from '../random.js';
import type { Engine } from './engine.js';
import { ServiceBusError } from './errors.js';

export type Operation = 'send' | 'settle' | 'manage';

/** Which operations a fault meets; all of them unless narrowed. */
export interface FaultScope {
  readonly queue?: string;
  readonly operations?: readonly Operation[];
  /** How many operations it meets; without end by default. */
  readonly times?: number;
  /** Chance that it meets one, 0 to 1; certain by default. */
  readonly probability?: number;
  /** How long it lasts (ms); without end by default. */
  readonly forMs?: number;
}

/** Something to go wrong, on purpose. */
export type Fault =
  /** Refuses with ServerBusy, before anything is done. */
  | ({ readonly kind: 'throttle' } & FaultScope)
  /** Does and stores it, then cuts the connection instead of answering. */
  | ({ readonly kind: 'loseAck' } & FaultScope)
  /** Answers later. */
  | ({ readonly kind: 'delay'; readonly ms: number } & FaultScope)
  /** Takes a completion for an abandonment, while the client believes it: the message is delivered once more. */
  | ({ readonly kind: 'duplicate' } & Omit<FaultScope, 'operations'>)
  /** Cuts every connection now; with `forMs`, also refuses new ones that long. */
  | { readonly kind: 'drop'; readonly forMs?: number }
  /** Cuts one client's connection, by chance. */
  | { readonly kind: 'dropOne' }
  /** Puts the broker's clock so far ahead (ms), or behind if negative; 0 sets it right. */
  | { readonly kind: 'skewClock'; readonly ms: number }
  /** Begins the sequence behind `probability` and `dropOne` anew: the same seed, the same operations met. */
  | { readonly kind: 'seed'; readonly seed: number }
  /** Ends every lock of a queue (or of all) now, as if its time were up: what was delivered is delivered again. */
  | { readonly kind: 'expireLocks'; readonly queue?: string }
  /** Ends all faults. */
  | { readonly kind: 'clear' };

type LastingFault = Extract<Fault, { readonly kind: 'throttle' | 'loseAck' | 'delay' | 'duplicate' }>;

/** What happens to one operation. */
export interface Verdict {
  readonly throttle: boolean;
  readonly loseAck: boolean;
  readonly delayMs: number;
  readonly duplicate: boolean;
}

/** What faults can do to the broker around the engine. */
export interface Reach {
  dropAll(): void;
  /** Cuts one of the connections, by a number in [0, 1). */
  dropOne(choice: number): void;
  skewClock(ms: number): void;
}

const UNHARMED: Verdict = { throttle: false, loseAck: false, delayMs: 0, duplicate: false };
const KINDS = 'throttle, loseAck, delay, duplicate, drop, dropOne, expireLocks, skewClock, seed, clear';

/** The faults in force on one broker. */
export class Faults {
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #reach: Reach;
  #random: () => number;
  #active: { fault: LastingFault; left: number; until: number }[] = [];
  #refusingUntil = 0;

  /** @param random in [0, 1), seeded where a run must be repeatable */
  constructor(engine: Engine, reach: Reach, random: () => number = Math.random) {
    this.#engine = engine;
    this.#clock = engine.clock;
    this.#reach = reach;
    this.#random = random;
  }

  /**
   * Puts a fault in force.
   * @returns how many locks it ended, for `expireLocks`; 0 for the others
   * @throws ServiceBusError `InvalidArgument` for an unknown kind, `EntityNotFound` for an unknown queue
   */
  inject(fault: Fault): number {
    switch (fault.kind) {
      case 'throttle':
      case 'loseAck':
      case 'delay':
      case 'duplicate': {
        const until = this.#clock.now() + (fault.forMs ?? Infinity);
        this.#active.push({ fault, left: fault.times ?? Infinity, until });
        return 0;
      }
      case 'drop':
        this.#refusingUntil = this.#clock.now() + (fault.forMs ?? 0);
        this.#reach.dropAll();
        return 0;
      case 'dropOne':
        this.#reach.dropOne(this.#random());
        return 0;
      case 'skewClock':
        this.#reach.skewClock(numberIn(fault, 'ms'));
        return 0;
      case 'seed':
        this.#random = seededRandom(numberIn(fault, 'seed'));
        return 0;
      case 'expireLocks': {
        const { queue } = fault;
        const entries = queue === undefined ? this.#engine.entries() : [this.#engine.entry(queue)];
        return entries.reduce(
          (sum, entry) => sum + entry.queue.expireLocks() + (entry.queue.deadLetters?.expireLocks() ?? 0),
          0,
        );
      }
      case 'clear':
        this.#active = [];
        this.#refusingUntil = 0;
        this.#reach.skewClock(0);
        return 0;
      default:
        fault satisfies never;
        throw new ServiceBusError(
          'InvalidArgument',
          `Unknown fault ${JSON.stringify(fault)}: expected a kind of ${KINDS}.`,
        );
    }
  }

  /** True while connections are refused. */
  get isRefusing(): boolean {
    return this.#clock.now() < this.#refusingUntil;
  }

  /** Draws what happens to an operation on a queue. */
  draw(operation: Operation, queue: string): Verdict {
    if (this.#active.length === 0) return UNHARMED;
    const now = this.#clock.now();
    this.#active = this.#active.filter(({ left, until }) => left > 0 && until > now);
    let verdict = UNHARMED;
    for (const entry of this.#active) {
      const { fault } = entry;
      if (fault.queue !== undefined && fault.queue.toLowerCase() !== queue.toLowerCase()) continue;
      if (fault.kind === 'duplicate' ? operation !== 'settle' : !meets(fault, operation)) continue;
      if (fault.probability !== undefined && this.#random() >= fault.probability) continue;
      entry.left--;
      if (fault.kind === 'throttle') verdict = { ...verdict, throttle: true };
      else if (fault.kind === 'loseAck') verdict = { ...verdict, loseAck: true };
      else if (fault.kind === 'duplicate') verdict = { ...verdict, duplicate: true };
      else verdict = { ...verdict, delayMs: verdict.delayMs + fault.ms };
    }
    return verdict;
  }
}

const meets = ({ operations }: FaultScope, operation: Operation): boolean =>
  operations === undefined || operations.includes(operation);

/** @throws ServiceBusError `InvalidArgument` where a fault from outside has no such number */
function numberIn(fault: Fault, name: string): number {
  const value: unknown = Object.entries(fault).find(([key]) => key === name)?.[1];
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw new ServiceBusError('InvalidArgument', `A fault of kind ${fault.kind} has a number '${name}'.`);
  return value;
}
