import type { Clock } from '../clock.js';
import type { SasKey, VerifyJwt } from './auth.js';
import type { Engine } from './engine.js';
import type { Faults } from './faults.js';

/** What the fronts share. */
export interface Broker {
  readonly engine: Engine;
  readonly faults: Faults;
  readonly clock: Clock;
  readonly key: SasKey;
  readonly verifyJwt: VerifyJwt | undefined;
  /** Resolves once all changes so far are on disk; undefined if they are, or nothing is stored. */
  flushed(): Promise<void> | undefined;
  log(line: string): void;
}
