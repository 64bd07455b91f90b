// What the service answers when it refuses: HTTP status, sub-status and the code and wording of the real one.

/** Sub-statuses that clients act on. Source: `SubStatusCodes` of @azure/cosmos and the service's REST reference. */
export const SUBSTATUS = {
  partitionKeyMismatch: 1001,
  sessionNotAvailable: 1002,
  partitionKeyRangeGone: 1002,
  crossPartitionQueryNotServable: 1004,
  throttled: 3200,
} as const;

const CODES: Record<number, string> = {
  304: 'NotModified',
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  408: 'RequestTimeout',
  409: 'Conflict',
  410: 'Gone',
  412: 'PreconditionFailed',
  413: 'RequestEntityTooLarge',
  424: 'FailedDependency',
  429: 'TooManyRequests',
  449: 'RetryWith',
  500: 'InternalServerError',
  503: 'ServiceUnavailable',
};

export interface ErrorDetails {
  substatus?: number;
  /** Milliseconds after which a throttled request may be tried again. */
  retryAfterMs?: number;
  /** Becomes `additionalErrorInfo`: tells the client to fetch a query plan. */
  additionalErrorInfo?: string;
}

/** A refusal of the service. Everything else that is thrown is a defect of ours. */
export class CosmosError extends Error {
  override readonly name = 'CosmosError';
  readonly status: number;
  readonly details: ErrorDetails;

  constructor(status: number, message: string, details: ErrorDetails = {}) {
    super(message);
    this.status = status;
    this.details = details;
  }

  /** The service's name of the status, as in the body's `code`. */
  get code(): string {
    return CODES[this.status] ?? String(this.status);
  }
}

const listed = (message: string): string => `Message: {"Errors":[${JSON.stringify(message)}]}`;

export const badRequest = (message: string, substatus?: number): CosmosError =>
  new CosmosError(400, listed(message), substatus === undefined ? {} : { substatus });

export const notFound = (
  what = 'Resource Not Found. Learn more: https://aka.ms/cosmosdb-tsg-not-found',
): CosmosError => new CosmosError(404, listed(what));

export const conflict = (message = 'Resource with specified id or name already exists.'): CosmosError =>
  new CosmosError(409, listed(message));

export const preconditionFailed = (): CosmosError =>
  new CosmosError(412, listed('One of the specified pre-condition is not met.'));

export const tooLarge = (): CosmosError => new CosmosError(413, listed('Request size is too large'));

export const throttled = (retryAfterMs: number): CosmosError =>
  new CosmosError(
    429,
    listed(
      'Request rate is large. More Request Units may be needed, so no changes were made. Please retry this ' +
        'request later. Learn more: http://aka.ms/cosmosdb-error-429',
    ),
    { substatus: SUBSTATUS.throttled, retryAfterMs },
  );

/** For what the service has and the embedded cloud does not: refused by name, never answered almost right. */
export const unsupported = (what: string): CosmosError => badRequest(`The embedded cloud has no ${what}.`);
