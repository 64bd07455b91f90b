/**
 * The ready jobs as the scheduler looks at them. Jobs that differ in nothing but age and repository stand on one
 * shelf, and of a shelf only the first ones can win: a decision costs a look at each shelf, however long they are.
 */
import type { ReadyEntry } from '../contract/fleet.js';
import { capabilityCheck } from './capabilities.js';
import { namesOf } from './score.js';
import { WaitingQueue } from './waitingQueue.js';
import type { Waiting } from './waitingQueue.js';

/** Jobs of one lane, product and priority that want the same lock, factory and preferences, and may cost the same. */
export interface Shelf {
  readonly key: string;
  /** Any of its jobs: they have all of this in common. */
  readonly sample: ReadyEntry;
  readonly queue: WaitingQueue;
  /** The same jobs by repository: those of a warm checkout come first. */
  readonly byRepo: Map<string, WaitingQueue>;
}

/** The shelves of one product and pool within a lane: they are halted together. */
export interface Group {
  readonly key: string;
  readonly sample: ReadyEntry;
  readonly shelves: Map<string, Shelf>;
}

/** A class of jobs with the same hard requirements: one look tells whether a factory can run them. */
export interface Lane {
  readonly lane: string;
  readonly requirements: readonly string[];
  readonly groups: Map<string, Group>;
}

/** What is known of all factories that advertise the same. */
export interface Ability {
  /** Tags, and tools without their versions. */
  readonly names: ReadonlySet<string>;
  /** The requirements of a lane that it does not satisfy. */
  lacks(lane: Pick<Lane, 'lane' | 'requirements'>): readonly string[];
}

/** Kinds of machines that are remembered; a fleet has dozens. */
const MAX_ABILITIES = 10_000;

const groupKey = (entry: ReadyEntry): string => `${entry.pool}\n${entry.productId}`;
const shelfKey = ({ priorityRank, lock, targetFactoryId, costUsd, prefers }: ReadyEntry): string =>
  [priorityRank, lock, targetFactoryId, costUsd, ...prefers].join('\n');

export class ReadyIndex {
  readonly lanes = new Map<string, Lane>();
  /** Jobs whose retry has to wait, the earliest first. */
  readonly later = new WaitingQueue('due');
  private readonly known = new Map<string, Waiting>();
  private readonly abilities = new Map<string, Ability>();

  constructor(entries: Iterable<ReadyEntry> = []) {
    for (const entry of entries) this.add(entry);
  }

  /** How many jobs are in it, ready or waiting for a retry. */
  get size(): number {
    return this.known.size;
  }

  /** Takes a job in; an entry of the same job that was there before goes. */
  add(entry: ReadyEntry): void {
    this.remove(entry.id);
    const due = entry.notBefore === undefined ? 0 : Date.parse(entry.notBefore);
    const waiting = { entry, submitted: Date.parse(entry.submittedAt), due };
    this.known.set(entry.id, waiting);
    if (due > 0) this.later.add(waiting);
    else this.shelve(waiting);
  }

  /** Takes a job out; nothing happens when it is not there. */
  remove(jobId: string): void {
    const waiting = this.known.get(jobId);
    if (waiting === undefined) return;
    this.known.delete(jobId);
    this.later.remove(waiting);
    this.unshelve(waiting);
  }

  /**
   * Puts jobs on their shelves whose time has come. Time never goes back.
   * @param now milliseconds since 1970
   */
  advance(now: number): void {
    for (let next = this.later.at(0); next !== undefined && next.due <= now; next = this.later.at(0)) {
      this.later.remove(next);
      this.shelve(next);
    }
  }

  /** @param advertises tags and tools of a factory */
  ability(advertises: readonly string[]): Ability {
    const key = advertises.join('\n');
    const known = this.abilities.get(key);
    if (known !== undefined) return known;
    if (this.abilities.size >= MAX_ABILITIES) this.abilities.clear();
    const ability = abilityOf(advertises);
    this.abilities.set(key, ability);
    return ability;
  }

  private shelve(waiting: Waiting): void {
    const { entry } = waiting;
    const lane = entryOf(this.lanes, entry.lane, () => ({
      lane: entry.lane,
      requirements: entry.requirements,
      groups: new Map<string, Group>(),
    }));
    const group = entryOf(lane.groups, groupKey(entry), (key) => ({
      key,
      sample: entry,
      shelves: new Map<string, Shelf>(),
    }));
    const shelf = entryOf(group.shelves, shelfKey(entry), (key) => ({
      key,
      sample: entry,
      queue: new WaitingQueue('submitted'),
      byRepo: new Map<string, WaitingQueue>(),
    }));
    shelf.queue.add(waiting);
    if (entry.repo !== undefined)
      entryOf(shelf.byRepo, entry.repo, () => new WaitingQueue('submitted')).add(waiting);
  }

  /** What is empty goes, so that a decision looks at nothing that is not there. */
  private unshelve(waiting: Waiting): void {
    const { entry } = waiting;
    const lane = this.lanes.get(entry.lane);
    const group = lane?.groups.get(groupKey(entry));
    const shelf = group?.shelves.get(shelfKey(entry));
    if (lane === undefined || group === undefined || shelf === undefined) return;
    shelf.queue.remove(waiting);
    const ofRepo = entry.repo === undefined ? undefined : shelf.byRepo.get(entry.repo);
    if (entry.repo !== undefined && ofRepo !== undefined) {
      ofRepo.remove(waiting);
      if (ofRepo.size === 0) shelf.byRepo.delete(entry.repo);
    }
    if (shelf.queue.size > 0) return;
    group.shelves.delete(shelf.key);
    if (group.shelves.size > 0) return;
    lane.groups.delete(group.key);
    if (lane.groups.size === 0) this.lanes.delete(lane.lane);
  }
}

function abilityOf(advertises: readonly string[]): Ability {
  const check = capabilityCheck(advertises);
  const byLane = new Map<string, string[]>();
  return {
    names: namesOf(advertises),
    lacks: ({ lane, requirements }) => entryOf(byLane, lane, () => check(requirements)),
  };
}

/** The value under a key, made where there is none. */
function entryOf<T>(map: Map<string, T>, key: string, make: (key: string) => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make(key);
  map.set(key, made);
  return made;
}
