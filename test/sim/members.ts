// Who belongs to the fleet, as its documents say: whose calls may count, and who may be refused.
import type { FactoryCaller } from '../../functions/operations/caller.js';
import type { TransactionRecord } from '../../local/cosmos/records.js';
import { CONTROL, FACTORIES } from '../../shared/topology.js';
import type { SimTime } from './time.js';
import type { Watch } from './watch.js';

/** An instance trusts what it knows of a factory for ten seconds, and what it reads may be three seconds old (ms). */
const TRUST_MS = 13_000;

const keyOf = ({ id, tokenId }: Pick<FactoryCaller, 'id' | 'tokenId'>): string => `${id} ${tokenId}`;

export class Members {
  /** Tokens given after the first one of a factory. */
  rotations = 0;
  revocations = 0;
  readonly #time: SimTime;
  readonly #watch: Watch;
  readonly #tokens = new Map<string, readonly string[]>();
  /** When a token ceased to hold, and how. */
  readonly #ended = new Map<string, { at: number; how: 'replaced' | 'revoked' }>();
  readonly #enrolments = new Set<string>();
  #enrolled = 0;
  readonly #goneAt = new Map<string, number>();
  /** What a factory held when it was thrown out. */
  readonly #heldBy = new Map<string, { jobId: string; epoch: number }[]>();

  constructor(time: SimTime, watch: Watch) {
    this.#time = time;
    this.#watch = watch;
  }

  written(container: string, { w }: TransactionRecord): void {
    if (container === CONTROL) {
      for (const { i, b } of w) if (b?.['type'] === 'enrolment') this.#enrolments.add(i);
    } else if (container === FACTORIES) {
      for (const { i, b } of w) this.#factoryWritten(i, b && (b['tokens'] as string[]));
    }
  }

  #factoryWritten(id: string, tokens: readonly string[] | undefined): void {
    const before = this.#tokens.get(id);
    if (!before) this.#enrolled += 1;
    if (this.#enrolled > this.#enrolments.size)
      this.#watch.violate('a one-time token is good for one factory', `${id} came in with one that was used`);
    const how = tokens ? 'replaced' : 'revoked';
    for (const tokenId of before ?? [])
      if (!tokens?.includes(tokenId)) this.#ended.set(keyOf({ id, tokenId }), { at: this.#time.now, how });
    if (tokens) {
      if (before && tokens[0] !== before[0]) this.rotations += 1;
      this.#tokens.set(id, tokens);
      return;
    }
    this.#tokens.delete(id);
    this.#goneAt.set(id, this.#time.now);
    this.revocations += 1;
    const held = [...this.#watch.jobs.values()]
      .map(({ job: { jobId, epoch, holder } }) => ({ jobId, epoch, holder }))
      .filter(({ jobId, epoch, holder }) => holder === id && this.#watch.leases.get(jobId)?.epoch === epoch);
    this.#heldBy.set(id, held);
  }

  /** Factories of the fleet. */
  ids(): string[] {
    return [...this.#tokens.keys()];
  }

  /** An instance let this caller through. */
  admitted(caller: FactoryCaller): void {
    const ended = this.#ended.get(keyOf(caller));
    const isKnown = ended !== undefined || this.#tokens.get(caller.id)?.includes(caller.tokenId);
    const seconds = ended ? Math.round((this.#time.now - ended.at) / 1000) : 0;
    if (!isKnown || seconds * 1000 > TRUST_MS)
      this.#watch.violate(
        'a dead token opens nothing',
        `${caller.id} was let in with a token that was ${ended?.how ?? 'never given'} ${seconds} s before`,
      );
  }

  /** An instance refused the token that the factory keeps. */
  refused(caller: FactoryCaller): void {
    const how = this.#ended.get(keyOf(caller))?.how;
    if (how !== 'revoked')
      this.#watch.violate(
        'nobody is refused who was not thrown out',
        `${caller.id} was refused, and its token ${how === undefined ? 'still holds' : 'was replaced under it'}`,
      );
  }

  /** The operator, who asked for it at that moment, was told that the factory is out. */
  isOut(id: string, askedAt: number): void {
    if ((this.#goneAt.get(id) ?? 0) < askedAt)
      this.#watch.violate('who is thrown out is gone', `${id} is still a member`);
    for (const { jobId, epoch } of this.#heldBy.get(id) ?? []) {
      const job = this.#watch.jobs.get(jobId)?.job;
      if (job?.holder === id && job.epoch === epoch)
        this.#watch.violate('who is thrown out holds nothing', `${id} still has ${jobId} epoch ${epoch}`);
    }
  }
}
