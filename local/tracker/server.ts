// A tracker that stands in for GitHub Issues on this machine: the REST calls that the product makes, signed
// webhooks, and pages for people. What it holds survives a restart.
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import type { Clock } from '../clock.js';
import { BodyTooLarge, listen, readBody, send, sendHtml } from '../httpServer.js';
import { answerApi } from './api.js';
import { App, type AppOptions } from './app.js';
import { ApiError, newIssue } from './fields.js';
import { Issues } from './issues.js';
import { EMPTY_DRAFT, issuePage, listPage, LIVE_SCRIPT, missingPage, newIssuePage } from './pages.js';
import { Pulls } from './pulls.js';
import { issuesPayload, type Site } from './resources.js';
import { openState } from './stateFile.js';
import { Webhooks, type Delivery } from './webhooks.js';

export type { Delivery } from './webhooks.js';

/** Where GitHub Enterprise Server has its REST API. */
const API = '/api/v3';
/** Who writes with the token, and who through the pages. */
const PROGRAM = 'gigafactory[bot]';
const PERSON = 'you';
/** Bytes; the longest text, form-encoded. */
const MAX_FORM_BYTES = 512 * 1024;

export interface TrackerOptions {
  /** 0, the default, chooses a free one. */
  port?: number;
  host?: string;
  /** Holds `tracker.json`; absent: everything ends with the process. */
  dataDir?: string;
  /** `owner/name` */
  repository: string;
  /** What git can clone: the repository that the items are about. */
  cloneUrl: string;
  /** The one token that the REST API always accepts. */
  token: string;
  /** A GitHub App that is installed on the repository, and gets tokens of its own. */
  app?: AppOptions;
  webhook?: { url: string; secret: string };
  log?: (line: string) => void;
  /** Times of items, and of the webhooks' retries. */
  clock?: Clock;
}

export interface NewIssue {
  title: string;
  body: string;
  labels: readonly string[];
}

export interface Tracker {
  port: number;
  /** Base of the pages. */
  url: string;
  /** Base of the REST API. */
  apiUrl: string;
  /** Files an item as a person would with the form. @returns its number, when it is on disk */
  fileIssue: (issue: NewIssue) => Promise<number>;
  /** Webhook deliveries so far, the oldest first. */
  deliveries: () => readonly Delivery[];
  /** GitHub's "Redeliver" button: the same delivery with the same id. @returns false when there is none of that id */
  redeliver: (id: string) => boolean;
  close: () => Promise<void>;
}

/** @throws Error when the port is taken, or `tracker.json` is not of a tracker */
export async function startTracker(options: TrackerOptions): Promise<Tracker> {
  const { repository, cloneUrl, token, webhook, log, dataDir, clock } = options;
  const { state, save } = await openState(dataDir && path.join(dataDir, 'tracker.json'));
  let open: ((request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void>) | undefined;
  const server = await listen('the tracker', options, async (request, response, url) => {
    await open?.(request, response, url);
  });

  const site: Site = { repository, cloneUrl, url: server.url, apiUrl: server.url + API };
  const webhooks = webhook
    ? new Webhooks({ ...webhook, deliveries: state.deliveries, changed: save, log, clock })
    : undefined;
  const now = (): number => clock?.now() ?? Date.now();
  const issues = new Issues(state.tracked, now, (event) =>
    webhooks?.send('issues', issuesPayload(site, event)),
  );
  const app = options.app && new App(options.app, now);
  const api = { site, issues, pulls: new Pulls(), app, token, login: PROGRAM, save };
  open = async (request, response, url) => {
    if (url.pathname.startsWith(`${API}/`))
      await answerApi(api, request, response, url.pathname.slice(API.length), url.searchParams);
    else await answerPage({ site, issues, save }, request, response, url.pathname);
  };
  const close = async (): Promise<void> => {
    await Promise.all([server.close(), webhooks?.close()]);
    await save();
  };
  let closed: Promise<void> | undefined;
  return {
    port: server.port,
    url: site.url,
    apiUrl: site.apiUrl,
    async fileIssue({ title, body, labels }) {
      const { number } = issues.create(PERSON, { title, body, labels });
      await save();
      return number;
    },
    deliveries: () => state.deliveries,
    redeliver: (id) => webhooks?.redeliver(id) ?? false,
    close: () => (closed ??= close()),
  };
}

interface PageContext {
  site: Site;
  issues: Issues;
  save: () => Promise<void>;
}

async function answerPage(
  context: PageContext,
  request: IncomingMessage,
  response: ServerResponse,
  pathname: string,
): Promise<void> {
  const { site, issues } = context;
  const { repository } = site;
  const list = `/${repository}/issues`;
  switch (`${request.method} ${pathname}`) {
    case 'GET /':
    case `GET /${repository}`:
      response.writeHead(302, { location: list }).end();
      return;
    case 'GET /live.js':
      send(response, 200, 'text/javascript; charset=utf-8', LIVE_SCRIPT);
      return;
    case `GET ${list}`:
      sendHtml(response, 200, listPage(repository, issues.list('all')));
      return;
    case `GET ${list}/new`:
      sendHtml(response, 200, newIssuePage(repository, EMPTY_DRAFT));
      return;
    case `POST ${list}`:
      await fileIssue(context, request, response);
      return;
    default: {
      const number =
        request.method === 'GET' && pathname.startsWith(`${list}/`) ? pathname.slice(list.length + 1) : '';
      const issue = /^\d+$/.test(number) ? issues.get(Number(number)) : undefined;
      sendHtml(response, issue ? 200 : 404, issue ? issuePage(repository, issue) : missingPage(repository));
    }
  }
}

/** The form of the page. An item may run a script here, so no other site's page may send it. */
async function fileIssue(
  { site, issues, save }: PageContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.headers.origin !== site.url) {
    send(response, 403, 'text/plain; charset=utf-8', `Use the form at ${site.url}.\n`);
    return;
  }
  let form: URLSearchParams;
  try {
    form = new URLSearchParams((await readBody(request, MAX_FORM_BYTES)).toString('utf8'));
  } catch (error) {
    if (!(error instanceof BodyTooLarge)) throw error;
    send(response, 413, 'text/plain; charset=utf-8', `${error.message}\n`);
    return;
  }
  const field = (name: string): string => (form.get(name) ?? '').replaceAll('\r\n', '\n');
  const draft = { title: field('title'), body: field('body'), labels: field('labels') };
  const labels = draft.labels
    .split(',')
    .map((label) => label.trim())
    .filter(Boolean);
  try {
    const issue = issues.create(PERSON, newIssue({ ...draft, labels }));
    await save();
    response.writeHead(303, { location: `/${site.repository}/issues/${issue.number}` }).end();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    sendHtml(response, 422, newIssuePage(site.repository, draft, error.forPeople()));
  }
}
