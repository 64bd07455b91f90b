// Who may come in: a master-key signature, or an Entra token where a verifier is configured.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { CosmosError } from './errors.js';

/**
 * The key of Microsoft's emulator, in every sample's settings; public, so no secret.
 * Source: "Develop locally using the Azure Cosmos DB emulator".
 */
export const WELL_KNOWN_KEY =
  'C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==';

/** How far a request's date may be off. Source: "Access control in the Azure Cosmos DB REST API". */
const MAX_DATE_SKEW_MS = 15 * 60 * 1000;

/** Whether a token's holder may use the account; a rejection is taken as no. */
export type VerifyJwt = (token: string) => Promise<boolean>;

const unauthorized = (why: string): CosmosError => new CosmosError(401, why);

/** What the key's holder signs of a request. @param date as its header has it, in lower case */
function signatureOf(
  { method, segments, date }: { method: string; segments: readonly string[]; date: string },
  key: Buffer,
): Buffer {
  const isFeed = segments.length % 2 === 1;
  const type = segments.at(isFeed ? -1 : -2) ?? '';
  const path = (isFeed ? segments.slice(0, -1) : segments).join('/');
  const link = type === 'offers' ? path.toLowerCase() : path;
  const text = `${method.toLowerCase()}\n${type.toLowerCase()}\n${link}\n${date}\n\n`;
  return createHmac('sha256', key).update(text).digest();
}

/**
 * Headers of a request that the key's holder makes.
 * @param key base64
 * @param segments the decoded path
 */
export function signedHeaders(
  method: string,
  segments: readonly string[],
  key: string,
): Record<string, string> {
  const date = new Date().toUTCString();
  const signature = signatureOf({ method, segments, date: date.toLowerCase() }, Buffer.from(key, 'base64'));
  return {
    authorization: encodeURIComponent(`type=master&ver=1.0&sig=${signature.toString('base64')}`),
    'x-ms-date': date,
  };
}

/**
 * Checks a request's `authorization`.
 * @param segments the decoded path: an odd number of them names a feed, an even one a resource
 * @throws 401; 403 for a date too far off
 */
export async function authorize(
  {
    method,
    segments,
    headers,
  }: { method: string; segments: readonly string[]; headers: IncomingHttpHeaders },
  key: Buffer,
  verifyJwt: VerifyJwt | undefined,
): Promise<void> {
  const { authorization } = headers;
  if (!authorization)
    throw unauthorized(
      'Required Header authorization is missing. Ensure a valid Authorization token is passed.',
    );
  let fields: URLSearchParams;
  try {
    // Not as a form: '+' in a signature is itself.
    fields = new URLSearchParams(decodeURIComponent(authorization).replaceAll('+', '%2B'));
  } catch {
    throw unauthorized('The authorization header is not valid.');
  }
  const signature = fields.get('sig') ?? '';
  if (fields.get('type') === 'aad') {
    const accepted = verifyJwt ? await verifyJwt(signature).catch(() => false) : false;
    if (!accepted) throw unauthorized('The provided Entra token was not accepted.');
    return;
  }
  if (fields.get('type') !== 'master' || fields.get('ver') !== '1.0')
    throw unauthorized('The authorization token must be of type master or aad.');
  const date = String(headers['x-ms-date'] ?? headers.date ?? '').toLowerCase();
  const expected = signatureOf({ method, segments, date }, key);
  const given = Buffer.from(signature, 'base64');
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw unauthorized(
      "The input authorization token can't serve the request. The wrong key is being used or the expected payload " +
        'is not built as per the protocol.',
    );
  if (!(Math.abs(Date.parse(date) - Date.now()) <= MAX_DATE_SKEW_MS))
    throw new CosmosError(403, 'The authorization token is not valid at the current time.');
}
