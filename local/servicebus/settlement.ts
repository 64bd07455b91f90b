/** How a delivery ends. `payload` replaces the message's: properties that the receiver changed. */
export type Settlement =
  | { readonly kind: 'complete' }
  /** `release` gives it back without counting the delivery. */
  | { readonly kind: 'abandon' | 'defer' | 'release'; readonly payload?: Uint8Array | undefined }
  | {
      readonly kind: 'deadLetter';
      readonly reason?: string | undefined;
      readonly description?: string | undefined;
      readonly payload?: Uint8Array | undefined;
    };

export interface QueueCounts {
  /** Locked and deferred ones included, as the service counts. */
  readonly active: number;
  readonly scheduled: number;
  readonly deadLetters: number;
  /** Bytes of payload, dead letters included. */
  readonly bytes: number;
}
