/**
 * Every error that a person or another part can meet, with its HTTP status. Cause and cure of each stand beside
 * its code; an error of any other kind is a defect and becomes `internal` at the boundary.
 */
export type ErrorCode =
  /** The request does not fit its schema. Cure: mend what `problems` lists. */
  | 'invalid-request'
  /** The job's manifest does not fit its schema. Cure: mend what `problems` lists. */
  | 'invalid-manifest'
  /** No token, an expired one, or one from another issuer. Cure: sign in, or enrol the factory again. */
  | 'unauthenticated'
  /** A known caller without the role. Cure: ask an admin of the product for the role named. */
  | 'forbidden'
  /** A webhook whose signature does not match. Cure: set the same secret on both sides. */
  | 'bad-signature'
  /** No such job, run, factory or product (or not yours). Cure: check the id; `aq list` shows what there is. */
  | 'not-found'
  /** The stage does not allow the command. Cure: one of the commands in `legal`. */
  | 'illegal-transition'
  /** The caller's lease is over: another epoch holds the job. Cure: stop the run; nothing was changed. */
  | 'stale-epoch'
  /** The same idempotency key with other content. Cure: a new key, or the first content. */
  | 'idempotency-conflict'
  /** Somebody else changed it at the same moment, several times over. Cure: try again. */
  | 'contended'
  /** The body is larger than the route takes. Cure: send less, or several parts. */
  | 'too-large'
  /** A part that we depend on is away or throttles. Cure: try again after `retryAfterSeconds`. */
  | 'unavailable'
  /** A defect of ours. Cure: report it with the id. */
  | 'internal';

const STATUS: Record<ErrorCode, number> = {
  'invalid-request': 400,
  'invalid-manifest': 400,
  unauthenticated: 401,
  'bad-signature': 401,
  forbidden: 403,
  'not-found': 404,
  'illegal-transition': 409,
  'stale-epoch': 409,
  'idempotency-conflict': 409,
  contended: 409,
  'too-large': 413,
  internal: 500,
  unavailable: 503,
};

/** One thing wrong with an input: where it is, what was expected there, and the nearest valid name for a typo. */
export interface Problem {
  /** Dotted path from the root: `budget.usd`. Empty for the input as a whole. */
  path: string;
  message: string;
  expected?: string;
  nearest?: string;
  /** 1-based position in the text that was sent, where there was one. */
  line?: number;
  column?: number;
}

export interface ErrorDetail {
  problems?: Problem[];
  /** The commands that the job's stage does allow. */
  legal?: string[];
  retryAfterSeconds?: number;
  /** Facts for the reader: ids, epochs, stages. */
  [fact: string]: unknown;
}

/** An expected failure with a code, for people (message) and for programs (code, detail). */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly detail: ErrorDetail;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.detail = detail;
  }

  /** The HTTP status that this code maps to. */
  get status(): number {
    return STATUS[this.code];
  }
}

/** For the end of an exhaustive switch: the compiler refuses a case that was left out. */
export function assertExhaustive(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}
