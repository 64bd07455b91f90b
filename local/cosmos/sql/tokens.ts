// The words of a query.
import { badRequest } from '../errors.js';

/** Longest query. Source: "Azure Cosmos DB service quotas", SQL query limits. */
const MAX_QUERY_CHARACTERS = 512 * 1024;

export interface Token {
  kind: 'name' | 'number' | 'string' | 'parameter' | 'symbol' | 'end';
  text: string;
  /** A string's content, unescaped. */
  value: string;
  start: number;
  end: number;
}

/** A syntax error, or something this SQL lacks: names it and where it stands. */
export function syntaxError(message: string, source: string, at: number): Error {
  const line = source.slice(0, at).split('\n').length;
  const column = at - source.lastIndexOf('\n', at - 1);
  return badRequest(`Syntax error at line ${line}, column ${column}: ${message}`);
}

const SPACE = /(?:\s+|--[^\n]*)*/y;
const NAME = /[\p{L}_$][\p{L}\p{N}_$]*/uy;
const PARAMETER = /@[\p{L}\p{N}_$]+/uy;
const NUMBER = /0x[0-9a-f]+|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?/iy;
const STRING = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/sy;
const SYMBOL = /\|\||\?\?|<>|!=|<=|>=|[-+*/%=<>()[\]{},.:?|&^~]/y;
const ESCAPES: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

function unescape(text: string): string {
  return text
    .slice(1, -1)
    .replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, code: string | undefined, character: string) =>
      code === undefined ? (ESCAPES[character] ?? character) : String.fromCharCode(Number.parseInt(code, 16)),
    );
}

/** Cuts a query into tokens, the last of kind `end`. Throws 400 at the first character that fits nowhere. */
export function tokenize(source: string): Token[] {
  if (source.length > MAX_QUERY_CHARACTERS)
    throw badRequest(`The SQL query text exceeded the maximum limit of ${MAX_QUERY_CHARACTERS} characters.`);
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  const patterns = [
    ['name', NAME],
    ['parameter', PARAMETER],
    ['number', NUMBER],
    ['string', STRING],
    ['symbol', SYMBOL],
  ] as const;
  for (;;) {
    at += match(SPACE)?.length ?? 0;
    if (at >= source.length) break;
    let found: Token | undefined;
    for (const [kind, pattern] of patterns) {
      const text = match(pattern);
      if (text === undefined) continue;
      found = {
        kind,
        text,
        value: kind === 'string' ? unescape(text) : text,
        start: at,
        end: at + text.length,
      };
      break;
    }
    if (!found) throw syntaxError(`invalid token '${source[at] ?? ''}'`, source, at);
    tokens.push(found);
    at = found.end;
  }
  tokens.push({ kind: 'end', text: 'end of the query', value: '', start: at, end: at });
  return tokens;
}
