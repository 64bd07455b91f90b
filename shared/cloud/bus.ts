export interface OutgoingMessage {
  /** Sent as JSON. Its payload stands under one key; see contract/messages.ts. */
  readonly body: object;
  /** The queue drops a second message with the same id within its duplicate-detection window. */
  readonly messageId: string;
  readonly sessionId?: string;
  /** Not delivered before (ISO 8601). */
  readonly notBefore?: string;
  readonly ttlSeconds?: number;
}

/** Sending to queues. Receiving is in tickets.ts for factories; the Functions host receives for triggers. */
export interface Bus {
  /** @throws CloudError not-found, too-large, unavailable */
  send(queue: string, message: OutgoingMessage): Promise<void>;
  /**
   * Ids of messages that wait in the queue (locked ones too, scheduled ones not), oldest first.
   * @param max at most that many
   */
  waiting(queue: string, max: number): Promise<string[]>;
  close(): Promise<void>;
}
