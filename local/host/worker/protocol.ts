// What the host and its worker say to each other. The shapes inside `request` and `response` are those that
// `@azure/functions` reads and writes; the worker itself only carries them.

/** One value on its way into or out of a function. Exactly one property is set. */
export interface TypedData {
  string?: string;
  json?: string;
  bytes?: Uint8Array;
  int?: number;
  double?: number;
  http?: HttpData;
  collectionString?: { string: string[] };
}

type NullableString = { value: string };

export interface HttpData {
  url?: string;
  method?: string;
  nullableHeaders?: Record<string, NullableString>;
  nullableQuery?: Record<string, NullableString>;
  nullableParams?: Record<string, NullableString>;
  body?: TypedData;
  // The rest is set in responses only.
  statusCode?: string;
  headers?: Record<string, string>;
  cookies?: HttpCookie[];
}

/** A cookie as the library hands it over: optional values are wrapped. */
export interface HttpCookie {
  name: string;
  value: string;
  domain?: { value: string };
  path?: { value: string };
  expires?: { value: { seconds: number } };
  secure?: { value: boolean };
  httpOnly?: { value: boolean };
  sameSite?: 'none' | 'lax' | 'strict' | 'explicitNone';
  maxAge?: { value: number };
}

export interface Binding {
  type: string;
  name?: string;
  direction: 'in' | 'out';
  [option: string]: unknown;
}

/** Seconds only: the library rounds a retry's delays before they leave the app. */
export interface RetryPolicy {
  retryStrategy: 'fixedDelay' | 'exponentialBackoff';
  maxRetryCount: number;
  delayInterval?: { seconds: number };
  minimumInterval?: { seconds: number };
  maximumInterval?: { seconds: number };
}

export interface FunctionMetadata {
  name: string;
  bindings: Record<string, Binding>;
  retryOptions?: RetryPolicy | undefined;
}

export interface RemoteError {
  name: string;
  message: string;
  stack: string;
}

export interface InvocationRequest {
  invocationId: string;
  functionId: string;
  inputData: { name: string; data: TypedData }[];
  triggerMetadata: Record<string, TypedData>;
  traceContext: { traceParent: string; traceState?: string; attributes: Record<string, string> };
  retryContext?: {
    retryCount: number;
    maxRetryCount: number;
    exception?: { message: string; source: string; stackTrace: string };
  };
}

export interface InvocationResponse {
  returnValue?: TypedData | null;
  outputData?: { name: string; data: TypedData }[];
}

/** What a loaded app offers. `streamUrl` is set when the app asked for HTTP streaming. */
export interface LoadedApp {
  functions: FunctionMetadata[];
  streamUrl?: string;
}

export type LogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';

export interface WorkerLog {
  level: LogLevel;
  category: 'user' | 'system';
  message: string;
  functionName?: string;
  invocationId?: string;
}

export type ToWorker =
  | { kind: 'load'; appDir: string }
  | { kind: 'invoke'; request: InvocationRequest }
  | { kind: 'terminate' };

export type FromWorker =
  | { kind: 'loaded'; app: LoadedApp }
  | { kind: 'loadFailed'; error: RemoteError }
  | { kind: 'succeeded'; invocationId: string; response: InvocationResponse }
  | { kind: 'failed'; invocationId: string; error: RemoteError }
  | { kind: 'log'; entry: WorkerLog };

/** @returns the parts of anything thrown that survive the way between two processes */
export function toRemoteError(thrown: unknown): RemoteError {
  if (thrown instanceof Error)
    return { name: thrown.name, message: thrown.message, stack: thrown.stack ?? thrown.message };
  const message = typeof thrown === 'string' ? thrown : (JSON.stringify(thrown) ?? String(thrown));
  return { name: 'Error', message, stack: message };
}
