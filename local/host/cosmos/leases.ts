// The leases of a Cosmos trigger: one document a feed range, saying which instance reads that range and how far it
// has come. Conditional writes alone decide; a lease that is not renewed in time may be taken by anyone.
import type { Container, FeedRange } from '@azure/cosmos';

export interface LeaseDocument {
  id: string;
  _etag: string;
  LeaseToken: string;
  FeedRange: { Range: { min: string; max: string; isMinInclusive: true; isMaxInclusive: false } };
  Owner: string | null;
  ContinuationToken: string | null;
  timestamp: string;
}

export interface LeaseOptions {
  container: Container;
  /** Before every lease's id: it keeps apart the functions that share a lease container. */
  prefix: string;
  owner: string;
  /** ms a lease outlives its last renewal */
  expiration: number;
}

export class LeaseStore {
  readonly #options: LeaseOptions;
  /** Ids of all leases of this function, fixed once they are prepared. */
  #ids: string[] = [];

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /**
   * Makes sure that every part of the feed has a lease. Ranges may have been split since the leases were written: a
   * lease that has come somewhere is kept, for the SDK finds the parts of its range; one that has not is replaced.
   */
  async prepare(ranges: readonly FeedRange[]): Promise<void> {
    const { container, prefix } = this.#options;
    const { resources: known } = await container.items
      .query<LeaseDocument>({
        query: 'SELECT * FROM c WHERE STARTSWITH(c.id, @prefix)',
        parameters: [{ name: '@prefix', value: `${prefix}..` }],
      })
      .fetchAll();
    const tokens = ranges.map(({ minInclusive, maxExclusive }) => `${minInclusive}-${maxExclusive}`);
    const kept = known.filter((lease) => lease.ContinuationToken || tokens.includes(lease.LeaseToken));
    await Promise.all(
      known
        .filter((lease) => !kept.includes(lease))
        .map(({ id }) => ignoring(404, container.item(id, id).delete())),
    );
    const missing = ranges.filter(
      ({ minInclusive, maxExclusive }) =>
        !kept.some(({ FeedRange: { Range } }) => Range.min <= minInclusive && maxExclusive <= Range.max),
    );
    const created = missing.map(({ minInclusive: min, maxExclusive: max }) => ({
      id: `${prefix}..${min}-${max}`,
      LeaseToken: `${min}-${max}`,
      FeedRange: { Range: { min, max, isMinInclusive: true, isMaxInclusive: false } },
      Owner: null,
      ContinuationToken: null,
      timestamp: new Date().toISOString(),
    }));
    await Promise.all(created.map((lease) => ignoring(409, container.items.create(lease))));
    this.#ids = [...kept, ...created].map(({ id }) => id);
  }

  /**
   * Takes this instance's fair share: what it held in an earlier life, then what nobody holds, then, when others have
   * more than their share, one of theirs.
   * @param held ids that this instance reads already
   */
  async acquire(held: ReadonlySet<string>): Promise<LeaseDocument[]> {
    const { owner } = this.#options;
    // Nobody else can have what this instance holds and renews, so with all of it held there is nothing to read.
    if (held.size === this.#ids.length) return [];
    const all = (await Promise.all(this.#ids.map((id) => this.read(id)))).filter((lease) => !!lease);
    const wanted = chooseLeases(all, { owner, held, now: Date.now(), expiration: this.#options.expiration });
    const taken = await Promise.all(wanted.map((lease) => this.write(lease, { Owner: owner })));
    return taken.filter((lease) => lease !== undefined);
  }

  async read(id: string): Promise<LeaseDocument | undefined> {
    return (await this.#options.container.item(id, id).read<LeaseDocument>()).resource;
  }

  /**
   * Writes the change and a new timestamp, unless the document has changed since it was read.
   * @returns the document as written, or undefined when another write was first
   */
  async write(
    lease: LeaseDocument,
    change: Partial<Pick<LeaseDocument, 'Owner' | 'ContinuationToken'>>,
  ): Promise<LeaseDocument | undefined> {
    const body = { ...lease, ...change, timestamp: new Date().toISOString() };
    const options = { accessCondition: { type: 'IfMatch', condition: lease._etag } };
    const written = await ignoring(
      412,
      this.#options.container.item(lease.id, lease.id).replace<LeaseDocument>(body, options),
    );
    return written?.resource;
  }
}

/** @returns the leases to take now; see {@link LeaseStore.acquire} */
export function chooseLeases(
  all: readonly LeaseDocument[],
  view: { owner: string; held: ReadonlySet<string>; now: number; expiration: number },
): LeaseDocument[] {
  const { owner, held, now, expiration } = view;
  const isFree = (lease: LeaseDocument): boolean =>
    lease.Owner === null || Date.parse(lease.timestamp) + expiration < now;
  const mine = all.filter((lease) => lease.Owner === owner);
  const again = mine.filter(({ id }) => !held.has(id));
  const owned = new Map<string, LeaseDocument[]>([[owner, mine]]);
  for (const lease of all)
    if (lease.Owner !== null && lease.Owner !== owner && !isFree(lease))
      owned.set(lease.Owner, [...(owned.get(lease.Owner) ?? []), lease]);
  const share = Math.ceil(all.length / owned.size);
  const need = share - mine.length;
  if (need <= 0) return again;
  const free = all.filter((lease) => lease.Owner !== owner && isFree(lease));
  if (free.length > 0) return [...again, ...free.slice(0, need)];
  const richest = [...owned.values()].reduce((most, leases) => (leases.length > most.length ? leases : most));
  const fair = Math.floor(all.length / owned.size);
  return richest.length > Math.max(fair, mine.length + 1) ? [...again, ...richest.slice(0, 1)] : again;
}

async function ignoring<T>(code: number, operation: Promise<T>): Promise<T | undefined> {
  try {
    return await operation;
  } catch (error) {
    if ((error as { code?: number }).code === code) return undefined;
    throw error;
  }
}
