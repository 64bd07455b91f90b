import type { DeadLetterInfo } from './message.js';
import type { QueueSpec } from './spec.js';

/** A message as it is stored: all that must survive a restart (locks do not). */
export interface StoredMessage {
  readonly seq: number;
  readonly enqueuedSeq: number;
  readonly messageId: string;
  readonly sessionId?: string | undefined;
  readonly enqueuedAt: number;
  readonly ttlMs?: number | undefined;
  readonly scheduledFor?: number | undefined;
  readonly state: 'active' | 'deferred' | 'scheduled';
  readonly deliveries: number;
  readonly deadLetter?: DeadLetterInfo | undefined;
  readonly payload: Uint8Array;
}

/** One step of the engine that must survive a restart. `dead` means the queue's dead-letter queue. */
export type Change =
  | { readonly kind: 'queue'; readonly spec: QueueSpec }
  | { readonly kind: 'queueDeleted'; readonly queue: string }
  /** `replaces`: the message of the main queue that becomes this one (dead-lettered, or no longer scheduled). */
  | {
      readonly kind: 'added';
      readonly queue: string;
      readonly dead: boolean;
      readonly replaces?: number | undefined;
      readonly message: StoredMessage;
    }
  | { readonly kind: 'removed'; readonly queue: string; readonly dead: boolean; readonly seq: number }
  | {
      readonly kind: 'updated';
      readonly queue: string;
      readonly dead: boolean;
      readonly seq: number;
      readonly deliveries: number;
      readonly deferred: boolean;
      readonly payload?: Uint8Array | undefined;
    }
  | {
      readonly kind: 'session';
      readonly queue: string;
      readonly session: string;
      readonly state: Uint8Array | undefined;
    }
  /** A message id that duplicate detection knows of until then (ms). */
  | { readonly kind: 'seen'; readonly queue: string; readonly messageId: string; readonly until: number }
  /** The next sequence number: in snapshots, so that none is used twice. */
  | { readonly kind: 'nextSeq'; readonly queue: string; readonly seq: number };
