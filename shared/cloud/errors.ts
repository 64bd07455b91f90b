/** What can go wrong with a cloud service, as far as the product tells cases apart. */
export type CloudErrorKind =
  /** The document, queue or blob is not there. */
  | 'not-found'
  /** A document with that id is there already. */
  | 'exists'
  /** A condition (etag, filter, offset) did not hold: somebody else was first. */
  | 'precondition'
  /** Larger than the service takes. */
  | 'too-large'
  /** Too many requests, also after the retries. */
  | 'throttled'
  /** Away, timed out or failing, also after the retries. Whether a write took effect is not known. */
  | 'unavailable';

/** A failure of a cloud service that the caller may act on; anything else is thrown as the SDK threw it. */
export class CloudError extends Error {
  override readonly name = 'CloudError';
  readonly kind: CloudErrorKind;

  constructor(kind: CloudErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.kind = kind;
  }
}

/** Whether it is a failure of that kind (of any of those kinds). */
export const isCloudError = (error: unknown, ...kinds: readonly CloudErrorKind[]): error is CloudError =>
  error instanceof CloudError && kinds.includes(error.kind);
