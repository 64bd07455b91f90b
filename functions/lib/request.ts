import type { HttpRequest } from '@azure/functions';
import type { z } from 'zod';
import type { RouteSpec } from '../../shared/contract/routes.js';
import { SubmitJobSchema } from '../../shared/contract/api.js';
import { AppError, type Problem } from '../../shared/errors.js';
import { problemsOf } from '../../shared/manifest/problems.js';
import { unlocated } from '../../shared/manifest/source.js';
import { redactDeep, secretsIn } from '../../shared/rules/secrets.js';

export interface ParsedRequest {
  readonly params?: unknown;
  readonly query?: unknown;
  readonly body?: unknown;
}

/**
 * Parses path, query and body by the route's schemas.
 * @throws AppError invalid-request with every problem of all three, too-large
 */
export async function parseRequest(spec: RouteSpec, request: HttpRequest): Promise<ParsedRequest> {
  const problems: Problem[] = [];
  // With streaming on, the host puts query parameters among the path's: the schema takes its own fields only.
  const params = check(spec.params, request.params, problems, 'the path');
  const query = check(spec.query, Object.fromEntries(request.query), problems, 'the query');
  const bytes = spec.body === undefined ? undefined : await readBody(request, spec.maxBytes ?? 0);
  const body = bytes && (spec.body === 'bytes' ? bytes : parseJson(spec, bytes, problems));
  if (problems.length > 0)
    throw new AppError('invalid-request', problems.map(sentence).join('; '), { problems });
  return { params, query, body };
}

function check(schema: z.ZodType | undefined, value: unknown, problems: Problem[], name: string): unknown {
  if (!schema) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  problems.push(...problemsOf(parsed.error.issues, unlocated(value), { schema, name }));
  return undefined;
}

function parseJson(spec: RouteSpec, bytes: Uint8Array, problems: Problem[]): unknown {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    problems.push({
      path: '',
      message: `the body is not JSON: ${(error as Error).message}`,
      expected: 'JSON in UTF-8',
    });
    return undefined;
  }
  const schema = spec.body === 'bytes' ? undefined : spec.body;
  return check(schema, withoutSecrets(spec, value, problems), problems, 'the body');
}

/**
 * What comes in is stored, sent on and shown, so no credential may be in it. People are told to take it out; a
 * factory cannot, and its run has to go on: what it missed is blackened here.
 */
function withoutSecrets(spec: RouteSpec, value: unknown, problems: Problem[]): unknown {
  // The one-time token is what such a route is for; a manifest's reader tells the line of what it refuses.
  if (spec.access.includes('enrolment') || spec.body === SubmitJobSchema) return value;
  if (spec.access.includes('factory')) return redactDeep(value);
  for (const { path, kind } of secretsIn(value)) {
    const at = path.join('.');
    problems.push({ path: at, message: `holds what looks like ${kind}`, expected: 'no credentials' });
  }
  return value;
}

/** Stops reading at the limit, whatever the length that was announced. */
async function readBody(request: HttpRequest, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = new AppError('too-large', `the body is larger than ${maxBytes} bytes`, { maxBytes });
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (request.body) {
    for await (const chunk of request.body as AsyncIterable<Uint8Array>) {
      length += chunk.byteLength;
      if (length > maxBytes) throw tooLarge;
      chunks.push(chunk);
    }
  }
  return Buffer.concat(chunks);
}

const sentence = ({ path, message, expected }: Problem): string => {
  const what = message.startsWith(path) ? message : `${path}: ${message}`;
  return expected === undefined ? what : `${what}; expected ${expected}`;
};
