// Continuation tokens. They hold the values at which a page ended, not a position, so that writes between two
// pages neither repeat nor lose a document that did not change.
import { badRequest } from '../errors.js';
import { isObject, type Json, type Value } from '../json.js';

export interface Continuation {
  /** Which of the request's sources. */
  source: number;
  /** Rows of OFFSET still to skip. */
  skip: number;
  /** Rows of TOP or LIMIT still to give; Infinity without. */
  take: number;
  /** Rows given so far, where each page is computed from all documents. */
  emitted: number;
  /** The last document: its values in the index of the query, and its sequence. */
  place?: { keys: Value[]; sequence: number };
}

export function encodeContinuation({ source, skip, take, emitted, place }: Continuation): string {
  // An array around each key keeps undefined, which JSON has not, apart from null.
  const keys = place?.keys.map((key) => (key === undefined ? [] : [key]));
  const token = [
    1,
    source,
    skip,
    Number.isFinite(take) ? take : null,
    emitted,
    keys ?? null,
    place?.sequence ?? null,
  ];
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** Throws 400 for what {@link encodeContinuation} did not make. */
export function decodeContinuation(text: string): Continuation {
  let token: unknown;
  try {
    token = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    token = undefined;
  }
  const invalid = badRequest(`Invalid Continuation Token '${text.slice(0, 100)}'`);
  if (!Array.isArray(token) || token.length !== 7 || isObject(token)) throw invalid;
  const [version, source, skip, take, emitted, keys, sequence] = token as Json[];
  if (version !== 1 || !isCount(source) || !isCount(skip) || !isCount(emitted)) throw invalid;
  if (take !== null && !isCount(take)) throw invalid;
  const rest = { source, skip, take: take ?? Infinity, emitted };
  if (keys === null && sequence === null) return rest;
  if (!Array.isArray(keys) || !keys.every((key) => Array.isArray(key)) || !isCount(sequence)) throw invalid;
  return { ...rest, place: { keys: keys.map(([key]) => key), sequence } };
}
