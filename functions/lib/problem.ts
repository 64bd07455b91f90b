import { randomUUID } from 'node:crypto';
import type { HttpResponseInit } from '@azure/functions';
import { CloudError } from '../../shared/cloud/errors.js';
import { SettingsError } from '../../shared/cloud/settings.js';
import { AppError } from '../../shared/errors.js';
import type { Log } from '../operations/deps.js';

const RETRY_AFTER_SECONDS = 2;

/** An expected failure: its own, or that of a cloud service that is away. */
function asAppError(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error;
  if (!(error instanceof CloudError)) return undefined;
  switch (error.kind) {
    case 'throttled':
    case 'unavailable':
      return new AppError(
        'unavailable',
        'a service that this depends on is away or busy; try again',
        { retryAfterSeconds: RETRY_AFTER_SECONDS },
        { cause: error },
      );
    case 'too-large':
      return new AppError('too-large', 'the document would become too large', {}, { cause: error });
    case 'not-found':
    case 'exists':
    case 'precondition':
      // Operations deal with these themselves: one that comes up to here was forgotten.
      return undefined;
  }
}

/**
 * The HTTP error boundary: what was thrown as problem+json (RFC 9457). Anything unexpected is logged under an id,
 * and the caller gets the id alone.
 */
export function problemResponse(error: unknown, log: Log): HttpResponseInit {
  const known = asAppError(error);
  if (known) {
    if (known.cause !== undefined && known.status >= 500)
      log('warn', known.message, { code: known.code, cause: told(known.cause) });
    const { retryAfterSeconds } = known.detail;
    return response(
      known,
      retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) },
    );
  }
  const errorId = randomUUID();
  log('error', 'unexpected failure', { errorId, error: told(error) });
  const message =
    error instanceof SettingsError
      ? 'the function app is not set up completely'
      : 'something went wrong on our side';
  return response(new AppError('internal', `${message}; the log has it under ${errorId}`, { errorId }), {});
}

const response = (error: AppError, headers: Record<string, string>): HttpResponseInit => ({
  status: error.status,
  headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
  body: JSON.stringify({
    ...error.detail,
    type: `urn:gigafactory:${error.code}`,
    title: error.message,
    status: error.status,
    code: error.code,
  }),
});

/** An error as the log has it. */
const told = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : (JSON.stringify(error) ?? 'undefined');
