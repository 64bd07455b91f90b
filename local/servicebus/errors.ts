/**
 * Why the broker refuses. Each code is sent as the condition of `CONDITIONS`, which the client maps to the
 * `code` of its ServiceBusError.
 */
export type ErrorCode =
  /** The lock expired, was settled already, or never existed. Receive the message again. */
  | 'MessageLockLost'
  /** The session's lock expired or was taken over. Accept the session again. */
  | 'SessionLockLost'
  /** Another receiver holds the session. Wait, or accept the next one. */
  | 'SessionCannotBeLocked'
  /** No session had a message within the time asked for. Accept again. */
  | 'Timeout'
  /** No message with that sequence number in the state asked for. */
  | 'MessageNotFound'
  | 'EntityNotFound'
  | 'EntityAlreadyExists'
  | 'MessageSizeExceeded'
  /** Throttled (an injected fault). The client retries by itself. */
  | 'ServerBusy'
  | 'Unauthorized'
  /** The operation does not fit the queue, such as a message without session id where sessions are required. */
  | 'NotAllowed'
  /** The embedded broker does not have this feature of the service. */
  | 'NotImplemented'
  | 'InvalidArgument'
  /** A bug of the broker; its log has the details. */
  | 'InternalError';

export const CONDITIONS: Record<ErrorCode, { condition: string; status: number }> = {
  MessageLockLost: { condition: 'com.microsoft:message-lock-lost', status: 410 },
  SessionLockLost: { condition: 'com.microsoft:session-lock-lost', status: 410 },
  SessionCannotBeLocked: { condition: 'com.microsoft:session-cannot-be-locked', status: 410 },
  Timeout: { condition: 'com.microsoft:timeout', status: 408 },
  MessageNotFound: { condition: 'com.microsoft:message-not-found', status: 404 },
  EntityNotFound: { condition: 'amqp:not-found', status: 404 },
  EntityAlreadyExists: { condition: 'com.microsoft:entity-already-exists', status: 409 },
  MessageSizeExceeded: { condition: 'amqp:link:message-size-exceeded', status: 400 },
  ServerBusy: { condition: 'com.microsoft:server-busy', status: 503 },
  Unauthorized: { condition: 'amqp:unauthorized-access', status: 401 },
  NotAllowed: { condition: 'amqp:not-allowed', status: 400 },
  NotImplemented: { condition: 'amqp:not-implemented', status: 501 },
  InternalError: { condition: 'amqp:internal-error', status: 500 },
  InvalidArgument: { condition: 'com.microsoft:argument-error', status: 400 },
};

/** An error that the client is told of, with the condition and status of its code. */
export class ServiceBusError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.name = 'ServiceBusError';
    this.code = code;
  }

  get condition(): string {
    return CONDITIONS[this.code].condition;
  }

  get status(): number {
    return CONDITIONS[this.code].status;
  }
}
