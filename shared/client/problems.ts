import { AppError, type ErrorCode, type ErrorDetail } from '../errors.js';

/** Codes by status for an answer that is not ours: a proxy's, or the platform's own. */
const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid-request',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  408: 'unavailable',
  413: 'too-large',
  429: 'unavailable',
  // Ours come as problem+json; a bare one is the host's, whose worker died under the call.
  500: 'unavailable',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
};

/** Every code once: the compiler asks for one that is added. */
const CODES: Record<ErrorCode, true> = {
  'invalid-request': true,
  'invalid-manifest': true,
  unauthenticated: true,
  forbidden: true,
  'bad-signature': true,
  'not-found': true,
  'illegal-transition': true,
  'stale-epoch': true,
  'idempotency-conflict': true,
  contended: true,
  'too-large': true,
  unavailable: true,
  internal: true,
};

/** The error that a failed answer stands for: rebuilt from problem+json, or told from the status. */
export async function problemOf(response: Response): Promise<AppError> {
  const text = await response.text().catch(() => '');
  const fallback = CODE_OF_STATUS[response.status] ?? 'internal';
  const body = parse(text);
  if (body === undefined)
    return new AppError(fallback, `the service answered ${response.status}: ${text.slice(0, 200)}`.trim());
  const { code, title, type: _type, status: _status, ...detail } = body;
  return new AppError(
    isCode(code) ? code : fallback,
    typeof title === 'string' ? title : `the service answered ${response.status}`,
    detail as ErrorDetail,
  );
}

/** Nobody answered at all. */
export const unreachable = (url: string, cause: unknown): AppError =>
  new AppError(
    'unavailable',
    `${new URL(url).origin} cannot be reached${whyUnreachable(cause)}`,
    {},
    { cause },
  );

/** Where the way is at fault, and not who is at its end. */
function whyUnreachable(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const message = cause instanceof Error ? cause.message : '';
  if (/certificate|self.signed/i.test(message))
    return `: ${message}; NODE_EXTRA_CA_CERTS names the file of a private authority`;
  return message.startsWith('the proxy ') ? `: ${message}` : '; is the control plane running there?';
}

const isCode = (code: unknown): code is ErrorCode => typeof code === 'string' && Object.hasOwn(CODES, code);

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
