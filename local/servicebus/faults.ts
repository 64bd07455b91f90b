import type { Clock } from '../clock.js';
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
  /** Cuts every connection now; with `forMs`, also refuses new ones that long. */
  | { readonly kind: 'drop'; readonly forMs?: number }
  /** Ends every lock of a queue (or of all) now, as if its time were up: what was delivered is delivered again. */
  | { readonly kind: 'expireLocks'; readonly queue?: string }
  /** Ends all faults. */
  | { readonly kind: 'clear' };

type LastingFault = Extract<Fault, { readonly kind: 'throttle' | 'loseAck' | 'delay' }>;

/** What happens to one operation. */
export interface Verdict {
  readonly throttle: boolean;
  readonly loseAck: boolean;
  readonly delayMs: number;
}

const UNHARMED: Verdict = { throttle: false, loseAck: false, delayMs: 0 };
const KINDS = ['throttle', 'loseAck', 'delay', 'drop', 'expireLocks', 'clear'];

/** The faults in force on one broker. */
export class Faults {
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #dropAll: () => void;
  readonly #random: () => number;
  #active: { fault: LastingFault; left: number; until: number }[] = [];
  #refusingUntil = 0;

  /** @param random in [0, 1), seeded where a run must be repeatable */
  constructor(engine: Engine, dropAll: () => void, random: () => number = Math.random) {
    this.#engine = engine;
    this.#clock = engine.clock;
    this.#dropAll = dropAll;
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
      case 'delay': {
        const until = this.#clock.now() + (fault.forMs ?? Infinity);
        this.#active.push({ fault, left: fault.times ?? Infinity, until });
        return 0;
      }
      case 'drop':
        this.#refusingUntil = this.#clock.now() + (fault.forMs ?? 0);
        this.#dropAll();
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
        return 0;
      default:
        fault satisfies never;
        throw new ServiceBusError(
          'InvalidArgument',
          `Unknown fault ${JSON.stringify(fault)}: expected a kind of ${KINDS.join(', ')}.`,
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
      if (fault.operations && !fault.operations.includes(operation)) continue;
      if (fault.probability !== undefined && this.#random() >= fault.probability) continue;
      entry.left--;
      if (fault.kind === 'throttle') verdict = { ...verdict, throttle: true };
      else if (fault.kind === 'loseAck') verdict = { ...verdict, loseAck: true };
      else verdict = { ...verdict, delayMs: verdict.delayMs + fault.ms };
    }
    return verdict;
  }
}
