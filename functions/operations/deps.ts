import type { Blobs } from '../../shared/cloud/blobs.js';
import type { Bus } from '../../shared/cloud/bus.js';
import type { Chance } from '../../shared/cloud/chance.js';
import type { Clock } from '../../shared/cloud/clock.js';
import type { Documents } from '../../shared/cloud/documents.js';
import type { AuditSeal } from './auditSeal.js';
import type { RouteResult } from '../../shared/contract/routeTypes.js';
import type { LogBell } from './logBell.js';

export type Level = 'debug' | 'info' | 'warn' | 'error';
export type Log = (level: Level, message: string, facts?: Readonly<Record<string, unknown>>) => void;

/** Signs the token that an enrolled factory calls with. */
export interface FactoryTokens {
  sign(claims: {
    factoryId: string;
    pools: readonly string[];
    products: readonly string[];
    tokenId: string;
  }): Promise<RouteResult<'rotateToken'>>;
}

/** All that an operation needs from outside. */
export interface Deps {
  readonly documents: Documents;
  readonly bus: Bus;
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly factoryTokens: FactoryTokens;
  readonly auditSeal: AuditSeal;
  /** Wakes the log streams of this instance. */
  readonly bell: LogBell;
  readonly settings: {
    readonly leaseSeconds: number;
    readonly preemption: boolean;
    /** Of a lane with more than that, the tickets are spread over several sessions. */
    readonly sessionTicketsPerSecond: number;
    readonly version: string;
    /** The value of an app setting that a product names for one of its secrets. */
    readonly secret: (name: string) => string | undefined;
  };
}
