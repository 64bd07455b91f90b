import { CloudError } from './errors.js';

/**
 * The status of a Cosmos DB answer as a CloudError. 408, 410, 449 and 503 are transient; the SDK throws the first
 * three at once, and 503 for writes. 400, 401 and 403 are defects of ours and stay as they are.
 */
export function statusFailure(status: number, message: string, cause?: unknown): Error {
  const options = cause === undefined ? undefined : { cause };
  switch (status) {
    case 404:
      return new CloudError('not-found', message, options);
    case 409:
      return new CloudError('exists', message, options);
    case 412:
      return new CloudError('precondition', message, options);
    case 413:
      return new CloudError('too-large', message, options);
    case 429:
      return new CloudError('throttled', message, options);
    case 408:
    case 410:
    case 449:
    case 500:
    case 502:
    case 503:
    case 504:
      return new CloudError('unavailable', message, options);
    default:
      return new Error(`${message} (status ${status})`, options);
  }
}

/** What the SDK threw, as a CloudError where it is one. Codes are numbers for answers and words for the network. */
export function cosmosFailure(error: unknown): unknown {
  if (!(error instanceof Error) && !isCoded(error)) return error;
  if (error instanceof CloudError || !isCoded(error)) return error;
  const message = typeof error.message === 'string' ? error.message : 'the document store failed';
  if (typeof error.code === 'number') return statusFailure(error.code, message, error);
  if (typeof error.code === 'string' && NETWORK_CODES.has(error.code))
    return new CloudError('unavailable', message, { cause: error });
  return error;
}

/**
 * As cosmosFailure, for `items.batch`: that wraps whatever fails into a plain Error whose status is lost. Failures
 * of steps come back as results and never here, so what is left is the service being away or busy.
 */
export function batchFailure(error: unknown): unknown {
  const known = cosmosFailure(error);
  if (known instanceof CloudError || !(known instanceof Error)) return known;
  return known.message.startsWith('Batch request error:')
    ? new CloudError('unavailable', known.message, { cause: error })
    : known;
}

const NETWORK_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'REQUEST_SEND_ERROR',
  'TimeoutError',
  'TIMEOUT_ERROR',
]);

const isCoded = (error: unknown): error is { code: unknown; message?: unknown } =>
  typeof error === 'object' && error !== null && 'code' in error;
