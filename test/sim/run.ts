// One run of the simulation: a world from a seed, hours of work under faults, then calm until everything is done.
import { claimJobs } from '../../functions/operations/claimJobs.js';
import type { FactoryCaller } from '../../functions/operations/caller.js';
import type { Factory, FactoryDescriptor } from '../../shared/contract/fleet.js';
import { isEnded } from '../../shared/rules/stages.js';
import { poolsFor } from '../../shared/rules/routing.js';
import {
  FACTORIES,
  FLEET,
  POOLS,
  TRACKER_INBOX,
  TRACKER_OUTBOX,
  poolQueueName,
} from '../../shared/topology.js';
import { Admins } from './admins.js';
import { SimBus } from './bus.js';
import { SimFactory } from './factories.js';
import { checkHistory, type HistoryEntry } from './history.js';
import { Hosts, MAX_SKEW_MS } from './hosts.js';
import { Lanes } from './lanes.js';
import { Machine, memberOf, startThief, type Member } from './machine.js';
import { Members } from './members.js';
import { People } from './people.js';
import { Random } from './random.js';
import { SimStore } from './store.js';
import { SimTime } from './time.js';
import { SimTokens } from './tokens.js';
import { SimTracker } from './tracker.js';
import { startQueueFunctions } from './triggers.js';
import { Watch, type Violation } from './watch.js';
import { Weather, type FaultKind } from './weather.js';
import { worldOf, type World } from './worlds.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** When the faults have stopped, everything is done within this time (ms): retries back off for half an hour at most. */
const BOUND_MS = 12 * HOUR_MS;
/** And what then is still to be cleared up, within this time (ms). */
const TIDY_MS = 20 * MINUTE_MS;
/** Near the end of a day and a month, so that windows of budgets begin anew. */
const START_MS = Date.UTC(2026, 0, 31, 20);

/** The reaper looks ahead for five seconds, by the clock of its host. */
const REAPER_LOOKS_MS = 5000 + MAX_SKEW_MS;

/** What machines there are: every job suits the first. */
const MACHINES: readonly (readonly string[])[] = [
  ['os:linux', 'engine:shell', 'engine:claude', 'engine-class:agentic-coder'],
  ['os:linux', 'engine:shell', 'node@20.20.2'],
  ['os:mac', 'engine:shell'],
];

/** The pools that the work is routed to; in the others factories would only wait. */
const USED_POOLS = new Set(['any', 'linux', 'claude']);

/** Ten times the events of the busiest run: work that makes work, and never comes to rest. */
const MAX_EVENTS = 1_000_000;
/** A ticket is a hint; more of them than this do not come from jobs any more. */
const TICKETS_A_POOL = 30;
const TICKETS_A_JOB = 5;
const COUNT_TICKETS_MS = 10 * MINUTE_MS;

export interface SeedResult {
  readonly seed: number;
  readonly hours: number;
  /** Calls of the store. */
  readonly operations: number;
  readonly events: number;
  readonly jobs: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly coverage: ReadonlyMap<string, ReadonlyMap<FaultKind | 'none', number>>;
  /** Rare things that some themes are about. */
  readonly met: Met;
  readonly violations: readonly Violation[];
}

export interface Met {
  /** Tickets of hot lanes that went to a shard. */
  readonly sharded: number;
  /** Tokens of factories that were replaced. */
  readonly rotations: number;
  /** Factories that were thrown out. */
  readonly revocations: number;
}

/** @param story gets a line for everything that happens; makes a run several times slower */
export async function runSeed(seed: number, story?: (line: string) => void): Promise<SeedResult> {
  const random = new Random(seed);
  const world = worldOf(random);
  const { size } = world;
  const time = new SimTime(START_MS + random.between(0, 4 * HOUR_MS));
  const stamp = (): string => new Date(time.now).toISOString().slice(8, 23);
  const tell = story ? (line: () => string): void => story(`${stamp()} ${line()}`) : (): void => {};
  const calmAt = time.now + random.between(...world.hours) * HOUR_MS;
  const kinds = { always: world.kinds, others: random.int(...size.kinds) };
  const weather = new Weather(time, random.fork(), { calmAt, kinds }, tell);
  const history: HistoryEntry[] = [];
  const leaseSeconds = random.pick(world.leaseSeconds);
  const watch = new Watch(time, weather, history, leaseSeconds, tell);
  const store = new SimStore(time, random.fork(), weather);
  const members = new Members(time, watch);
  const tokens = new SimTokens(time);
  store.onWrite((container, record) => {
    watch.written(container, record);
    if (world.enrols) members.written(container, record);
  });
  const lanes = new Lanes(time, world.sessionTicketsPerSecond, (rule, message) =>
    watch.violate(rule, message),
  );
  const bus = new SimBus(time, random.fork(), weather, lanes);
  const tracker = random.chance(world.tracked)
    ? new SimTracker(time, random.fork(), weather, (rule, message) => watch.violate(rule, message))
    : undefined;
  const hosts = new Hosts(
    {
      time,
      random: random.fork(),
      weather,
      store,
      bus,
      leaseSeconds,
      preemption: random.chance(0.5),
      sessionTicketsPerSecond: world.sessionTicketsPerSecond,
      tokens,
      onAdmitted: (caller) => members.admitted(caller),
      hasTracker: tracker !== undefined,
      tell,
      onDefect: (where, error) =>
        watch.violate(
          'no unexpected failure',
          `${where}: ${error instanceof Error ? error.stack : String(error)}`,
        ),
      hasWork: (timer) =>
        watch.leases.size > 0 ||
        (timer === 'sweepTickets' && (watch.ready.size > 0 || watch.inFlight > 0 || watch.families.open > 0)),
      isDue: (timer) =>
        timer === 'sweepTickets' ? watch.hasLooseEnds() : watch.hasLeaseEndingBy(time.now + REAPER_LOOKS_MS),
    },
    random.int(...size.hosts),
  );
  const products = ['shop', 'blog', 'bank'].slice(0, random.int(...size.products));
  const { wishes } = world;
  const people = new People({ time, random: random.fork(), hosts, watch, tracker, wishes, tell }, products);
  const adminsRandom = world.enrols ? random.fork() : random;
  const admins = new Admins({ time, random: adminsRandom, people, watch, weather, members });
  const described = machinesOf(random, world);
  const machineWorld = {
    time,
    weather,
    hosts,
    tokens,
    members,
    pools: USED_POOLS,
    invite: () => admins.invite(),
  };
  const machines: Machine[] = [];
  const homeOf = (factory: FactoryDescriptor): Machine | Member => {
    if (!world.enrols) return memberOf(hosts, alreadyThere(factory, store, time));
    const machine = new Machine(factory, { ...machineWorld, random: random.fork() });
    machines.push(machine);
    return machine;
  };
  const factories = described.map(
    (factory) =>
      new SimFactory(factory.name, homeOf(factory), factory.stations, {
        time,
        random: random.fork(),
        weather,
        bus,
        history,
        watch,
        tell,
        faultEveryMs: world.faultEveryMinutes * MINUTE_MS,
        buildMs: random.pick(world.buildMinutes) * MINUTE_MS,
      }),
  );

  if (tracker) startQueueFunctions({ time, random: random.fork(), weather, bus, hosts });

  const isDone = (): boolean =>
    people.submitting === 0 && [...watch.jobs.values()].every(({ job }) => isEnded(job.stage));
  const leftovers = (): string[] => [
    ...[...watch.leases.keys()].map((jobId) => `a lease of ${jobId}`),
    ...[...watch.ready.keys()].map((jobId) => `a ready entry of ${jobId}`),
    ...[...watch.ledgers.accounts.values()].flatMap(({ reservations }) =>
      [...reservations.keys()].map((id) => `the reservation ${id}`),
    ),
    ...(tracker?.missing(watch) ?? []),
    ...(world.theme === 'hot' ? unheard(bus) : []),
  ];
  tell(
    () =>
      `== seed ${seed} (${world.theme}): products ${products.join(', ')}; leases of ${leaseSeconds} s; factories ` +
      factories.map(({ name, stations }) => `${name} (${stations} stations)`).join(', ') +
      `${tracker ? '; a tracker' : ''}; faults until ${new Date(calmAt).toISOString().slice(8, 23)}: ` +
      (weather.kinds.join(', ') || 'none'),
  );
  let isOver = false;
  const countTickets = (): void => {
    for (const pool of USED_POOLS) {
      const { active, scheduled } = bus.engine.queue(poolQueueName(pool)).counts();
      if (active + scheduled > TICKETS_A_POOL + TICKETS_A_JOB * watch.jobs.size)
        watch.violate('tickets stay few', `${active + scheduled} tickets are in the queue of pool ${pool}`);
    }
    time.after(COUNT_TICKETS_MS, countTickets);
  };
  countTickets();
  const goOn = async (): Promise<void> => {
    await people.setUp();
    hosts.start();
    for (const factory of factories) factory.start();
    if (machines.length > 0)
      startThief(machines, { ...machineWorld, random: random.fork() }, (deps, caller) =>
        claimJobs(deps, caller, { body: { pool: 'any', stations: 1, running: 0, warm: [], dryRun: true } }),
      );
    weather.start(
      factories.map(({ name }) => name),
      world.faultEveryMinutes * MINUTE_MS,
      (kind, whom) => {
        for (const factory of factories)
          if (kind === 'busOutage' || (kind === 'cutFromBus' && factory.name === whom)) factory.cutOff();
      },
    );
    const workMs = 0.8 * (calmAt - time.now);
    people.work(random.int(...size.jobs), random.int(...size.meddlings), workMs);
    admins.work(world.evictions, workMs);
    await time.sleep(calmAt - time.now);
    tell(() => '== calm: no more faults');
    void people.tidyUp(isDone);
    while (!isDone() && time.now < calmAt + BOUND_MS) await time.sleep(10_000);
    if (!isDone())
      for (const { job } of watch.jobs.values())
        if (!isEnded(job.stage))
          watch.violate(
            'every job ends',
            `${job.jobId} is still in ${job.stage} ${BOUND_MS / HOUR_MS} h after the last fault`,
          );
    const tidyUntil = time.now + TIDY_MS;
    while (leftovers().length > 0 && time.now < tidyUntil) await time.sleep(5000);
    for (const left of leftovers()) watch.violate('nothing is left behind', `${left} is still there`);
    isOver = true;
  };
  let failure: unknown;
  goOn().catch((error: unknown) => {
    failure = error;
    isOver = true;
  });
  const takeAway = tracker?.install();
  // In the function app it would end the worker, with all that runs in it.
  const onUnanswered = (reason: unknown): void =>
    watch.violate('every failure has somebody who waits for it', String(reason));
  process.on('unhandledRejection', onUnanswered);
  const isEnd = (): boolean => {
    if (time.events > MAX_EVENTS) watch.violate('a run comes to its end', `${MAX_EVENTS} events and no end`);
    return isOver || watch.violations.length > 0;
  };
  await time.run(isEnd).finally(() => {
    takeAway?.();
    process.off('unhandledRejection', onUnanswered);
  });
  if (failure !== undefined) throw failure;
  if (isOver && watch.violations.length === 0) checkEnd(watch, people, bus, history);
  return {
    seed,
    hours: (time.now - time.startedAt) / HOUR_MS,
    operations: store.operations,
    events: time.events,
    jobs: watch.jobs.size,
    faults: weather.counts,
    coverage: watch.coverage,
    met: { sharded: lanes.sharded, rotations: members.rotations, revocations: members.revocations },
    violations: watch.violations,
  };
}

/** Tickets that nobody takes: idle factories take every one, whichever session it is in. */
const unheard = (bus: SimBus): string[] =>
  [...USED_POOLS].flatMap((pool) => {
    const { active } = bus.engine.queue(poolQueueName(pool)).counts();
    return active > 0 ? [`${active} tickets of pool ${pool}`] : [];
  });

/** What machines say of themselves. */
function machinesOf(random: Random, { size, machines }: World): FactoryDescriptor[] {
  return Array.from({ length: random.int(...size.factories) }, (_, at) => ({
    name: `factory-${at + 1}`,
    advertises: [...(MACHINES[at === 0 ? 0 : random.int(0, machines - 1)] ?? [])],
    stations: random.int(...size.stations),
    agentVersion: 'simulation',
  }));
}

/** A factory as it stands after its enrolment. */
function alreadyThere(described: FactoryDescriptor, store: SimStore, time: SimTime): FactoryCaller {
  const { name: id, advertises } = described;
  const pools = poolsFor(advertises, POOLS).filter((pool) => USED_POOLS.has(pool));
  const factory = {
    ...described,
    id,
    type: 'factory',
    productId: FLEET,
    products: ['*'],
    pools,
    status: 'online',
    enrolledAt: time.iso(),
    lastSeenAt: time.iso(),
    running: 0,
    warm: [],
    tokens: [id],
  } satisfies Factory;
  store.container(FACTORIES).execute([FLEET], { kind: 'create', body: { ...factory } });
  return { kind: 'factory', id, tokenId: id, pools, products: ['*'] };
}

/** What must hold of the run as a whole. */
function checkEnd(watch: Watch, people: People, bus: SimBus, history: readonly HistoryEntry[]): void {
  watch.checkChains();
  for (const { what, jobId, seq } of people.acknowledged) {
    const known = watch.jobs.get(jobId);
    if (!known || known.job.events < seq)
      watch.violate(
        'acknowledged work is never lost',
        `the ${what} of ${jobId} was acknowledged, and is not there`,
      );
  }
  watch.families.checkEnd();
  for (const queue of [TRACKER_INBOX, TRACKER_OUTBOX])
    if (bus.engine.queue(queue).counts().deadLetters > 0)
      watch.violate('no message is given up', `${queue} has dead letters`);
  for (const { jobId, children } of people.split)
    if (watch.jobs.get(jobId)?.job.stage === 'shipped' && children.some((child) => !watch.jobs.has(child)))
      watch.violate('a plan is carried out as a whole', `${jobId} shipped without all of its children`);
  const grantedMs = watch.leaseSeconds * 1000 - MAX_SKEW_MS;
  for (const { message } of checkHistory(history, { losesAreKnown: true, grantedMs }))
    watch.violate('the history holds', message);
}
