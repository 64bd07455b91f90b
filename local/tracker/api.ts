// GitHub's REST API for issues, pull requests and apps, as far as the product calls it. Paths, answers and errors are GitHub's
// (docs.github.com/rest/issues, version 2022-11-28); anything else is its 404.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { BodyTooLarge, readBody, sendJson } from '../httpServer.js';
import {
  ApiError,
  commentText,
  issueEdit,
  labelNames,
  newIssue,
  notFound,
  objectOf,
  requiredState,
} from './fields.js';
import type { App } from './app.js';
import type { Issue, Issues } from './issues.js';
import type { Pulls } from './pulls.js';
import { commentResource, issueResource, labelResource, type Site } from './resources.js';

/** Bytes; room for the longest body in JSON. */
const MAX_REQUEST_BYTES = 512 * 1024;
const DEFAULT_PER_PAGE = 30;
const MAX_PER_PAGE = 100;

export interface ApiContext {
  site: Site;
  issues: Issues;
  pulls: Pulls;
  /** One whose tokens are accepted too. */
  app: App | undefined;
  /** The one token that is always accepted, and who writes with it. */
  token: string;
  login: string;
  /** Resolves when everything so far is on disk: nothing is acknowledged before. */
  save: () => Promise<void>;
}

interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** @param pathname below the API's base */
export async function answerApi(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  pathname: string,
  query: URLSearchParams,
): Promise<void> {
  try {
    const method = request.method ?? '';
    const sent = tokenOf(request);
    const read = (): Promise<unknown> => (method === 'GET' ? Promise.resolve(undefined) : readJson(request));
    const { site, app, pulls, login } = context;
    const ofApp = await app?.answer(method, pathname, site.repository, sent, read);
    if (ofApp) return sendJson(response, ofApp.status, ofApp.body);
    if (sent !== context.token && !app?.accepts(sent)) throw new ApiError(401, 'Bad credentials');
    const body = await read();
    const answer: Answer =
      pulls.answer(site, login, method, pathname, query, body) ??
      route(context, method, pathname, query, body);
    if (request.method !== 'GET') await context.save();
    sendJson(response, answer.status, answer.body, answer.headers);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    sendJson(response, error.status, {
      message: error.message,
      ...(error.errors ? { errors: error.errors } : {}),
      documentation_url: 'https://docs.github.com/rest',
      status: String(error.status),
    });
  }
}

/** @throws ApiError for a request without one */
function tokenOf({ headers }: IncomingMessage): string {
  if (!headers['user-agent'])
    throw new ApiError(403, 'Request forbidden by administrative rules: send a User-Agent header.');
  const [scheme = '', sent] = headers.authorization?.split(' ') ?? [];
  if (sent === undefined) throw new ApiError(401, 'Requires authentication');
  if (!/^(bearer|token)$/i.test(scheme)) throw new ApiError(401, 'Bad credentials');
  return sent;
}

/** @returns undefined for no body at all */
async function readJson(request: IncomingMessage): Promise<unknown> {
  let text: string;
  try {
    text = (await readBody(request, MAX_REQUEST_BYTES)).toString('utf8');
  } catch (error) {
    if (error instanceof BodyTooLarge) throw new ApiError(413, error.message);
    throw error;
  }
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new ApiError(400, 'Problems parsing JSON');
  }
}

const ISSUES = /^\/repos\/([^/]+\/[^/]+)\/issues(?:\/(\d+)(?:\/(comments|labels)(?:\/([^/]+))?)?)?$/;

function route(
  context: ApiContext,
  method: string,
  pathname: string,
  query: URLSearchParams,
  body: unknown,
): Answer {
  const { site, issues, login } = context;
  const [, repository, number, part, name] = ISSUES.exec(pathname) ?? [];
  if (repository?.toLowerCase() !== site.repository.toLowerCase()) throw notFound();
  const found = number === undefined ? undefined : issues.get(Number(number));
  if (number !== undefined && !found) throw notFound();

  if (!found) {
    if (method === 'GET') {
      const all = listed(issues, query);
      return page(site, pathname, query, all, (one) => issueResource(site, one));
    }
    if (method !== 'POST') throw notFound();
    return { status: 201, body: issueResource(site, issues.create(login, newIssue(objectOf(body)))) };
  }
  const labels = (issue: Issue): object[] => issue.labels.map((label) => labelResource(site, label));
  switch (`${method} ${part ?? 'issue'}${name === undefined ? '' : '/name'}`) {
    case 'GET issue':
      return { status: 200, body: issueResource(site, found) };
    case 'PATCH issue':
      issues.edit(login, found, issueEdit(objectOf(body)));
      return { status: 200, body: issueResource(site, found) };
    case 'GET comments':
      return page(site, pathname, query, found.comments, (one) => commentResource(site, found, one));
    case 'POST comments':
      return {
        status: 201,
        body: commentResource(site, found, issues.comment(login, found, commentText(objectOf(body)))),
      };
    case 'GET labels':
      return { status: 200, body: labels(found) };
    case 'POST labels':
      issues.addLabels(login, found, labelNames(Array.isArray(body) ? body : objectOf(body)['labels']));
      return { status: 200, body: labels(found) };
    case 'DELETE labels/name':
      if (!issues.removeLabel(login, found, decodeName(name ?? '')))
        throw new ApiError(404, 'Label does not exist');
      return { status: 200, body: labels(found) };
    default:
      throw notFound();
  }
}

function listed(issues: Issues, query: URLSearchParams): Issue[] {
  const state = query.get('state') ?? 'open';
  return issues.list(
    state === 'all' ? state : requiredState(state),
    query.get('labels')?.split(',').filter(Boolean),
  );
}

function page<T>(
  site: Site,
  pathname: string,
  query: URLSearchParams,
  all: readonly T[],
  resource: (one: T) => object,
): Answer {
  const positive = (name: string, otherwise: number): number => {
    const value = Number.parseInt(query.get(name) ?? '', 10);
    return value > 0 ? value : otherwise;
  };
  const perPage = Math.min(positive('per_page', DEFAULT_PER_PAGE), MAX_PER_PAGE);
  const current = positive('page', 1);
  const last = Math.max(1, Math.ceil(all.length / perPage));
  const links: string[] = [];
  const link = (rel: string, number: number): void => {
    const target = new URLSearchParams(query);
    target.set('page', String(number));
    links.push(`<${site.apiUrl}${pathname}?${target.toString()}>; rel="${rel}"`);
  };
  if (current > 1) link('prev', Math.min(current - 1, last));
  if (current < last) {
    link('next', current + 1);
    link('last', last);
  }
  if (current > 1) link('first', 1);
  return {
    status: 200,
    body: all.slice((current - 1) * perPage, current * perPage).map(resource),
    headers: links.length > 0 ? { link: links.join(', ') } : {},
  };
}

function decodeName(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw notFound();
  }
}
