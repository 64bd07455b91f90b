import type { Clock } from '../clock.js';
import { seededRandom } from '../random.js';
import type { Engine } from './engine.js';
import { ServiceBusError } from './errors.js';

export type Operation = 'connect' | 'send' | 'settle' | 'manage';

/** Which operations a fault meets; all of them but `connect` unless narrowed. */
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
  /** Answers later; with operations `connect`, lets a new connection wait so long before its first byte is read. */
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
/** Fields each kind may have beside `kind`; one with an exclamation mark must be there. */
const NARROWED = ['queue', 'operations', 'times', 'probability', 'forMs'];
const FIELDS: Readonly<Record<Fault['kind'], readonly string[]>> = {
  throttle: NARROWED,
  loseAck: NARROWED,
  delay: ['ms!', ...NARROWED],
  duplicate: NARROWED.filter((field) => field !== 'operations'),
  drop: ['forMs'],
  dropOne: [],
  skewClock: ['ms!'],
  seed: ['seed!'],
  expireLocks: ['queue'],
  clear: [],
};
const OPERATIONS: readonly unknown[] = ['connect', 'send', 'settle', 'manage'] satisfies Operation[];
const isListOf = (known: readonly unknown[], value: unknown): boolean =>
  Array.isArray(value) && value.every((item) => known.includes(item));

/**
 * Reads a fault that came from outside.
 * @throws ServiceBusError `InvalidArgument` saying which field is wrong and what is expected
 */
export function parseFault(json: string): Fault {
  const refuse = (why: string): never => {
    throw new ServiceBusError('InvalidArgument', why);
  };
  let body: unknown;
  try {
    body = JSON.parse(json);
  } catch {
    // Said below, as for any other value that is no object.
  }
  if (typeof body !== 'object' || body === null) return refuse('A fault is a JSON object with a kind.');
  const { kind, ...fields } = body as Readonly<Record<string, unknown>>;
  if (typeof kind !== 'string' || !Object.hasOwn(FIELDS, kind))
    return refuse(
      `Unknown fault ${JSON.stringify(body)}: expected a kind of ${Object.keys(FIELDS).join(', ')}.`,
    );
  const known = FIELDS[kind as Fault['kind']];
  const names = known.map((field) => field.replace('!', ''));
  const missing = known.find((field) => field.endsWith('!') && !Object.hasOwn(fields, field.slice(0, -1)));
  if (missing !== undefined) refuse(`A fault of kind ${kind} has a number '${missing.slice(0, -1)}'.`);
  for (const [name, value] of Object.entries(fields)) {
    if (!names.includes(name))
      refuse(`A fault of kind ${kind} has no '${name}': expected ${names.join(', ') || 'nothing more'}.`);
    const [expected, isRight] =
      name === 'queue'
        ? ['a name', typeof value === 'string']
        : name === 'operations'
          ? [`a list of ${OPERATIONS.join(', ')}`, isListOf(OPERATIONS, value)]
          : ['a number', typeof value === 'number'];
    if (!isRight) refuse(`'${name}' of a fault: expected ${expected}, found ${JSON.stringify(value)}.`);
  }
  return body as Fault;
}

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
   * @throws ServiceBusError `EntityNotFound` for an unknown queue
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
        this.#reach.skewClock(fault.ms);
        return 0;
      case 'seed':
        this.#random = seededRandom(fault.seed);
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
    }
  }

  /** True while connections are refused. */
  get isRefusing(): boolean {
    return this.#clock.now() < this.#refusingUntil;
  }

  /** Draws what happens to an operation on a queue; a connection belongs to none. */
  draw(operation: Operation, queue = ''): Verdict {
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
  operations === undefined ? operation !== 'connect' : operations.includes(operation);
