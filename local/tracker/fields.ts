// What may be written into an item, and GitHub's words for what may not.
import type { IssueEdit } from './issues.js';

/** GitHub's limits, in characters. */
const MAX_TITLE = 256;
const MAX_BODY = 65_536;
const MAX_LABEL = 50;

interface FieldError {
  resource: string;
  field: string;
  code: string;
  message?: string;
}

/** An answer with GitHub's error body. */
export class ApiError extends Error {
  readonly status: number;
  readonly errors: readonly FieldError[] | undefined;

  constructor(status: number, message: string, errors?: readonly FieldError[]) {
    super(message);
    this.status = status;
    this.errors = errors;
  }

  /** One sentence, for the form. */
  forPeople(): string {
    const wrong = this.errors?.map(
      ({ field, code, message }) => message ?? `${field}: ${code.replace('_', ' ')}`,
    );
    return wrong ? `${this.message}: ${wrong.join('; ')}` : this.message;
  }
}

export const notFound = (): ApiError => new ApiError(404, 'Not Found');
const invalid = (resource: string, field: string, code: string, message?: string): ApiError =>
  new ApiError(422, 'Validation Failed', [{ resource, field, code, ...(message ? { message } : {}) }]);

export type Fields = Readonly<Record<string, unknown>>;

export function objectOf(body: unknown): Fields {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new ApiError(400, 'Body should be a JSON object');
  return body as Fields;
}

function textField(from: Fields, resource: string, field: string, limit: number): string | undefined {
  const value = from[field] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw invalid(resource, field, 'invalid');
  if (value.length > limit)
    throw invalid(resource, field, 'custom', `${field} is too long (maximum is ${limit} characters)`);
  return value;
}

export function labelNames(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid('Label', 'labels', 'invalid');
  return value.map((one: unknown) => {
    const name: unknown = typeof one === 'object' && one !== null && 'name' in one ? one.name : one;
    if (typeof name !== 'string' || name === '' || name.length > MAX_LABEL)
      throw invalid('Label', 'name', 'invalid');
    return name;
  });
}

/** @throws ApiError as GitHub answers */
export function newIssue(from: Fields): { title: string; body: string | null; labels: string[] } {
  const title = textField(from, 'Issue', 'title', MAX_TITLE);
  if (!title?.trim()) throw invalid('Issue', 'title', 'missing_field');
  return {
    title,
    body: textField(from, 'Issue', 'body', MAX_BODY) ?? null,
    labels: labelNames(from['labels']),
  };
}

export function issueEdit(from: Fields): IssueEdit {
  const title = textField(from, 'Issue', 'title', MAX_TITLE);
  if (title !== undefined && !title.trim()) throw invalid('Issue', 'title', 'missing_field');
  const state = textField(from, 'Issue', 'state', MAX_LABEL);
  const stateReason = textField(from, 'Issue', 'state_reason', MAX_LABEL);
  return {
    ...(title === undefined ? {} : { title }),
    ...('body' in from ? { body: textField(from, 'Issue', 'body', MAX_BODY) ?? null } : {}),
    ...(state === undefined ? {} : { state: requiredState(state) }),
    ...(stateReason === undefined ? {} : { stateReason }),
    ...(from['labels'] === undefined ? {} : { labels: labelNames(from['labels']) }),
  };
}

export function requiredState(state: string): 'open' | 'closed' {
  if (state !== 'open' && state !== 'closed') throw invalid('Issue', 'state', 'invalid');
  return state;
}

export function commentText(from: Fields): string {
  const text = textField(from, 'IssueComment', 'body', MAX_BODY);
  if (!text) throw invalid('IssueComment', 'body', 'missing_field');
  return text;
}
