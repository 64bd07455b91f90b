/** Claiming for free stations: the same for a ticket from the bus and for a pull over HTTP. */
import type { Claim } from '../../shared/contract/api.js';
import type { Coordinator } from '../coordinator.js';
import { Mutex } from '../mutex.js';
import { machinePace, type Pace } from '../pace.js';
import type { Stations } from '../stations.js';

/** Every station is taken, or closed: the ticket must go back to the queue. */
export class NoFreeStation extends Error {
  override readonly name = 'NoFreeStation';
}

export interface ClaimsSpec {
  readonly coordinator: Pick<Coordinator, 'claimJobs'>;
  readonly stations: Stations;
  readonly warm: () => string[];
  /** Starts the work on a claim; returns when it has ended. */
  readonly work: (claim: Claim, claimedAt: number) => Promise<void>;
  /** Aborted when this factory takes no more work. */
  readonly closed?: AbortSignal;
  readonly pace?: Pick<Pace, 'now'>;
}

export class Claims {
  private readonly spec: ClaimsSpec;
  /** One claim at a time, so that two pools never fill the same station. */
  private readonly mutex = new Mutex();

  constructor(spec: ClaimsSpec) {
    this.spec = spec;
  }

  /**
   * Claims what the scheduler gives for the free stations and starts it.
   * @param lane of the ticket that rang
   * @returns how many runs were started
   * @throws NoFreeStation; AppError when the control plane is away or refuses
   */
  claim(pool: string, lane?: string): Promise<number> {
    const rangAt = (this.spec.pace ?? machinePace).now();
    return this.mutex.run(async () => {
      const { coordinator, stations, warm, work, closed } = this.spec;
      if (stations.free === 0 || closed?.aborted) throw new NoFreeStation('no station is free');
      const { claims } = await coordinator.claimJobs({
        body: {
          pool,
          ...(lane === undefined ? {} : { lane }),
          stations: stations.capacity,
          running: stations.running,
          warm: warm().slice(0, 200),
        },
      });
      for (const claim of claims) stations.start(() => work(claim, rangAt));
      return claims.length;
    });
  }

  /** Resolves when no claim is under way. */
  async whenQuiet(): Promise<void> {
    await this.mutex.idle();
  }
}
