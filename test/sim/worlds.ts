// What a run is drawn from: how much goes on, which machines there are, and what happens more often than by chance alone.
import { SESSION_TICKETS_PER_SECOND } from '../../shared/rules/lanes.js';
import type { Random } from './random.js';
import type { FaultKind } from './weather.js';

/** How much goes on in a run: `low` to `high`, both included. */
interface Size {
  readonly hosts: readonly [number, number];
  readonly factories: readonly [number, number];
  readonly stations: readonly [number, number];
  readonly products: readonly [number, number];
  readonly jobs: readonly [number, number];
  readonly meddlings: readonly [number, number];
  /** Kinds of faults that chance chooses. */
  readonly kinds: readonly [number, number];
}

/** What people want of their jobs, as shares of them. */
export interface Wishes {
  /** Within how long the jobs of one burst are submitted (ms). */
  readonly burstsMs: readonly number[];
  /** That are split into others. */
  readonly composite: number;
  /** That exclude each other. */
  readonly locked: number;
  readonly locks: readonly string[];
  /** That cost money. */
  readonly costly: number;
  /** Products with a budget. */
  readonly budgeted: number;
  /** Claims after which somebody stops the run and lets the job go on at once. */
  readonly restarted: number;
  /** Jobs that reach a stage which others may wait for, and another one is submitted that does. */
  readonly followed: number;
}

export interface World {
  readonly theme: string;
  readonly size: Size;
  /** How long faults go on (h). */
  readonly hours: readonly [number, number];
  /** Time between two faults of a kind that last, or that befall one factory, on average (min). */
  readonly faultEveryMinutes: number;
  /** The first so many of the kinds of machines. */
  readonly machines: number;
  /** Runs in which items of a tracker become jobs as well. */
  readonly tracked: number;
  /** Kinds of faults that are always there, besides those that chance chooses. */
  readonly kinds: readonly FaultKind[];
  /** Lengths of leases (s). */
  readonly leaseSeconds: readonly number[];
  /** Factories are enrolled, hold tokens that are replaced every few minutes, and are thrown out. */
  readonly enrols: boolean;
  /** How often a factory is thrown out. */
  readonly evictions: number;
  /** Tickets a second of one lane above which they are spread over several sessions. */
  readonly sessionTicketsPerSecond: number;
  /** How long builds take on average (min). */
  readonly buildMinutes: readonly number[];
  readonly wishes: Wishes;
}

const WISHES: Wishes = {
  burstsMs: [2000, 180_000, 180_000],
  composite: 0.1,
  locked: 0.3,
  locks: ['db', 'deploy'],
  costly: 0.4,
  budgeted: 0.5,
  restarted: 0,
  followed: 0,
};

/** Most runs are small: a few things that meet are found sooner in many of them, and their story is short. */
const SMALL: World = {
  theme: 'small',
  size: {
    hosts: [1, 2],
    factories: [1, 3],
    stations: [1, 2],
    products: [1, 2],
    jobs: [1, 4],
    meddlings: [0, 3],
    kinds: [1, 5],
  },
  hours: [0.5, 9],
  faultEveryMinutes: 30,
  machines: 3,
  tracked: 0.2,
  kinds: [],
  leaseSeconds: [30, 60, 120, 300],
  enrols: false,
  evictions: 0,
  sessionTicketsPerSecond: SESSION_TICKETS_PER_SECOND,
  buildMinutes: [1, 5, 20],
  wishes: WISHES,
};

/** In some everything meets everything. */
const LARGE: World = {
  ...SMALL,
  theme: 'large',
  size: {
    hosts: [1, 3],
    factories: [2, 6],
    stations: [1, 3],
    products: [1, 3],
    jobs: [3, 14],
    meddlings: [0, 8],
    kinds: [5, 14],
  },
};

/** A short time in which much happens to a few jobs, all of which any factory may take. */
const DENSE: World = {
  ...SMALL,
  size: {
    hosts: [3, 4],
    factories: [1, 2],
    stations: [1, 2],
    products: [1, 1],
    jobs: [2, 4],
    meddlings: [0, 2],
    kinds: [0, 2],
  },
  hours: [0.5, 1],
  machines: 1,
  tracked: 0,
  leaseSeconds: [30],
  buildMinutes: [1],
};

/** Jobs change hands while their old holders, and the claims of those, are still on their way. */
const ZOMBIES: World = {
  ...DENSE,
  theme: 'zombies',
  faultEveryMinutes: 6,
  kinds: ['hostPause', 'hostKill', 'cutFromCoordinator', 'factoryPause'],
  wishes: { ...WISHES, restarted: 0.6 },
};

/** Everybody waits for one lock. */
const LOCKS: World = {
  ...DENSE,
  theme: 'locks',
  size: { ...DENSE.size, factories: [2, 3], jobs: [3, 6] },
  kinds: ['hostPause', 'lateRequest', 'lostAnswer'],
  wishes: { ...WISHES, locked: 0.9, locks: ['db'], costly: 0.1, restarted: 0.2 },
};

/** Instances that know different things, and die before they have told them. */
const STALE: World = {
  ...DENSE,
  theme: 'stale',
  size: { ...DENSE.size, factories: [2, 3], stations: [1, 1] },
  kinds: ['staleRead', 'hostKill', 'hostPause'],
  leaseSeconds: [30, 60],
  wishes: { ...WISHES, restarted: 0.3, followed: 0.3 },
};

/** Several want the last dollars at once, and claims come to nothing. */
const MONEY: World = {
  ...DENSE,
  theme: 'money',
  size: { ...DENSE.size, factories: [2, 3], kinds: [0, 2] },
  faultEveryMinutes: 4,
  kinds: ['hostPause', 'busOutage', 'sessionLost', 'slowDisk'],
  wishes: {
    ...WISHES,
    burstsMs: [20, 20, 2000],
    costly: 1,
    budgeted: 1,
    locked: 0.3,
    locks: ['db'],
    restarted: 0.2,
  },
};

/** Composites whose children come one by one, and whose events are told late. */
const FAMILIES: World = {
  ...DENSE,
  theme: 'families',
  size: { ...DENSE.size, factories: [2, 3], jobs: [2, 3] },
  kinds: ['hostKill', 'feedLag'],
  wishes: { ...WISHES, composite: 0.7 },
};

/** Items are told of jobs, whatever is away meanwhile. */
const ITEMS: World = {
  ...DENSE,
  theme: 'items',
  size: { ...DENSE.size, jobs: [1, 2] },
  hours: [0.5, 2],
  faultEveryMinutes: 10,
  tracked: 1,
  kinds: ['storeOutage', 'trackerOutage', 'trackerLostAnswer'],
};

/** Tokens are replaced while answers are lost, and factories are thrown out with all they run. */
const TOKENS: World = {
  ...DENSE,
  theme: 'tokens',
  size: { ...DENSE.size, hosts: [2, 3], factories: [2, 3] },
  kinds: ['tokenNotKept', 'lateRequest', 'lostAnswer', 'lostAck', 'staleRead', 'clockSkew', 'factoryCrash'],
  enrols: true,
  evictions: 2,
  wishes: { ...WISHES, composite: 0 },
};

/** Many jobs of one lane at once, and then none: their tickets are spread over sessions, and come back to one. */
const HOT: World = {
  ...DENSE,
  theme: 'hot',
  size: { ...DENSE.size, hosts: [1, 2], factories: [2, 3], jobs: [6, 8] },
  kinds: ['sessionLost', 'cutFromBus', 'factoryCrash', 'busLostAck'],
  sessionTicketsPerSecond: 0.4,
  wishes: { ...WISHES, burstsMs: [20, 500], composite: 0, locked: 0.1, costly: 0 },
};

const SHARES: readonly (readonly [World, number])[] = [
  [LARGE, 0.07],
  [ZOMBIES, 0.06],
  [LOCKS, 0.04],
  [STALE, 0.07],
  [MONEY, 0.03],
  [FAMILIES, 0.03],
  [ITEMS, 0.02],
  [TOKENS, 0.03],
  [HOT, 0.02],
];

/** What the run of a seed is drawn from: the same for everything in it. */
export function worldOf(random: Random): World {
  let left = random.next();
  for (const [world, share] of SHARES) {
    left -= share;
    if (left < 0) return world;
  }
  return SMALL;
}
