// The faults of one run: which kinds there are in it, when each strikes, and how often it did.
import type { Random } from './random.js';
import type { SimTime } from './time.js';

export const FAULTS = [
  /** The store answers 429. */
  'throttle',
  /** The store is away for a while; what it was asked meanwhile is not done. */
  'storeOutage',
  /** The store did it, and the answer is lost: the adapter tries again. */
  'lostAck',
  /** Somebody writes the same document just before a conditional write. */
  'contention',
  /** An instance reads what a document was before another instance wrote it. */
  'staleRead',
  /** Every answer of the store takes up to seconds. */
  'slowDisk',
  /** The bus refuses everything for a while. */
  'busOutage',
  /** The bus has the message, and the sender hears of a failure. */
  'busLostAck',
  /** The lock of a session ends while its ticket is in work. */
  'sessionLost',
  /** A ticket cannot be completed and is delivered again. */
  'redelivery',
  /** A batch of the feed comes twice. */
  'feedDuplicate',
  /** The feed begins again at an earlier place. */
  'feedRepeat',
  /** The jobs of a batch come in another order. */
  'feedReorder',
  /** The feed stands still for minutes. */
  'feedLag',
  /** The function host dies between two calls of a handler. */
  'hostKill',
  /** The function host stands still between two calls of a handler, and then goes on as if nothing had been. */
  'hostPause',
  /** Two hosts run the same timer at once. */
  'reaperRace',
  /** Clocks of hosts are off, and those of factories run fast or slow. */
  'clockSkew',
  /** A factory dies and comes back without a memory of its runs. */
  'factoryCrash',
  /** A factory stands still, leases and all, and then goes on as if nothing had been. */
  'factoryPause',
  /** A factory gives its runs back and leaves for a while. */
  'factoryDrain',
  /** A factory cannot reach the bus. */
  'cutFromBus',
  /** A factory cannot reach the control plane. */
  'cutFromCoordinator',
  /** A request was carried out, and its answer is lost. */
  'lostAnswer',
  /** A request arrives long after its sender gave up. */
  'lateRequest',
  /** The tracker refuses everything for a while. */
  'trackerOutage',
  /** The tracker did it, and its answer is lost. */
  'trackerLostAnswer',
  /** A factory dies between being given a token and keeping it. */
  'tokenNotKept',
] as const;
export type FaultKind = (typeof FAULTS)[number];

/** Those that mean something in every run. */
const ANYWHERE = FAULTS.filter((kind) => kind !== 'tokenNotKept');

/** Faults that last a while; the others strike single calls. */
const LASTING = [
  'storeOutage',
  'slowDisk',
  'busOutage',
  'feedLag',
  'cutFromBus',
  'cutFromCoordinator',
  'trackerOutage',
] as const;
export type LastingFault = (typeof LASTING)[number];

/** A transition counts as having met a fault that struck at most so long before (ms). */
const RECENT_MS = 30_000;

export class Weather {
  readonly counts = new Map<FaultKind, number>();
  /** No more faults from then on (ms). */
  readonly calmAt: number;
  readonly #time: SimTime;
  readonly #random: Random;
  readonly #force = new Map<FaultKind, number>();
  readonly #until = new Map<string, number>();
  readonly #lastAt = new Map<FaultKind, number>();
  readonly #tell: (line: () => string) => void;

  /** @param plan which kinds of faults there are in any case, how many others, and until when (ms) */
  constructor(
    time: SimTime,
    random: Random,
    plan: { calmAt: number; kinds: { always: readonly FaultKind[]; others: number } },
    tell: (line: () => string) => void,
  ) {
    this.#time = time;
    this.#random = random;
    this.calmAt = plan.calmAt;
    this.#tell = tell;
    const { always, others } = plan.kinds;
    // Some runs are quiet: what goes wrong without any fault must show as well.
    const count = random.chance(0.05) ? 0 : others;
    for (const kind of random.shuffled(ANYWHERE).slice(0, count))
      this.#force.set(kind, random.pick([0.3, 1, 1, 3]));
    for (const kind of always) this.#force.set(kind, random.pick([2, 4]));
  }

  get isCalm(): boolean {
    return this.#time.now >= this.calmAt;
  }

  /** The kinds of this run. */
  get kinds(): FaultKind[] {
    return [...this.#force.keys()];
  }

  has(kind: FaultKind): boolean {
    return this.#force.has(kind);
  }

  /** Whether a fault strikes this call. @param rate its usual share of calls */
  strikes(kind: FaultKind, rate: number): boolean {
    const force = this.#force.get(kind);
    if (force === undefined || this.isCalm || !this.#random.chance(rate * force)) return false;
    this.note(kind);
    return true;
  }

  note(kind: FaultKind, about = ''): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    this.#lastAt.set(kind, this.#time.now);
    this.#tell(() => `~~ ${kind} ${about}`);
  }

  /** Whether a lasting fault is on, for that one if it concerns single ones. */
  lasts(kind: LastingFault, whom = ''): boolean {
    return this.lastsFor(kind, whom) > 0;
  }

  /** How long a lasting fault goes on from now (ms); 0 when it is not on. */
  lastsFor(kind: LastingFault, whom = ''): number {
    return Math.max(0, (this.#until.get(`${kind} ${whom}`) ?? 0) - this.#time.now);
  }

  /** Kinds that struck a short time ago. */
  recent(): FaultKind[] {
    const since = this.#time.now - RECENT_MS;
    return [...this.#lastAt].filter(([, at]) => at >= since).map(([kind]) => kind);
  }

  /**
   * Lets the lasting faults come and go, each about every `meanMs`.
  
   * @param whom of the cuts: the factories, each of which is cut off more rarely the more there are
   * @param onChange called when one begins
   */
  start(whom: readonly string[], meanMs: number, onChange: (kind: LastingFault, whom: string) => void): void {
    for (const kind of LASTING) {
      const force = this.#force.get(kind);
      if (force === undefined) continue;
      const targets = kind === 'cutFromBus' || kind === 'cutFromCoordinator' ? whom : [''];
      for (const target of targets) {
        const next = (): void =>
          this.#time.after((this.#random.between(0, 2 * meanMs) * targets.length) / force, () => {
            if (this.isCalm) return;
            const lengthMs = Math.min(this.#lengthOf(kind), this.calmAt - this.#time.now);
            this.#until.set(`${kind} ${target}`, this.#time.now + lengthMs);
            this.note(kind, `${target} for ${Math.round(lengthMs / 1000)} s`);
            onChange(kind, target);
            next();
          });
        next();
      }
    }
  }

  #lengthOf(kind: LastingFault): number {
    switch (kind) {
      case 'storeOutage':
        return this.#random.between(100, 60_000);
      case 'slowDisk':
        return this.#random.between(1000, 180_000);
      // Long enough for many pulls over HTTP: each costs the more time to simulate, the less happens meanwhile.
      case 'busOutage':
      case 'cutFromBus':
        return this.#random.between(1000, 90_000);
      case 'cutFromCoordinator':
        return this.#random.between(1000, this.#random.pick([60_000, 180_000, 600_000]));
      case 'feedLag':
      case 'trackerOutage':
        return this.#random.between(1000, 600_000);
    }
  }
}
