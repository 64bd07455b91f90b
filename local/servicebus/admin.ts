import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { messageOf, stackOf } from '../errorText.js';
import { BodyTooLarge, readBody } from '../httpServer.js';
import { queueEntry, queueFeed, specOf } from './atom.js';
import { verifySas } from './auth.js';
import type { Broker } from './broker.js';
import { ServiceBusError, type ErrorCode } from './errors.js';
import { parseFault } from './faults.js';

const MAX_BODY_BYTES = 64 * 1024;
const MAX_PAGE = 100;
const ATOM = 'application/atom+xml;type=entry;charset=utf-8';

interface Answer {
  readonly status: number;
  readonly type?: string;
  readonly body?: string;
}

/** The HTTP that `ServiceBusAdministrationClient` speaks, for queues; and `POST /$faults`. */
export function adminHandler(broker: Broker): RequestListener {
  return (request, response) => {
    respond(broker, request).then(
      (answer) => send(response, answer),
      (error: unknown) => send(response, answerOf(error, broker)),
    );
  };
}

async function respond(broker: Broker, request: IncomingMessage): Promise<Answer> {
  const { method = 'GET' } = request;
  const { url, path } = parseTarget(request);
  await authorize(broker, request, `sb://${url.host}${url.pathname}`);
  if (path === '$faults' && method === 'POST') {
    const ended = broker.faults.inject(parseFault(await bodyOf(request)));
    return { status: 200, type: 'application/json', body: JSON.stringify({ expiredLocks: ended }) };
  }
  if (path.toLowerCase() === '$resources/queues' && method === 'GET') return listQueues(broker, url);
  if (path.startsWith('$'))
    throw new ServiceBusError('NotImplemented', `'${path}': the embedded cloud administers queues only.`);
  if (/\/(subscriptions|rules)(\/|$)/i.test(path))
    throw new ServiceBusError(
      'NotImplemented',
      `'${path}': the embedded cloud has no topics, subscriptions or rules.`,
    );
  const { engine } = broker;
  switch (method) {
    case 'GET':
      // The service answers a missing entity with an empty feed; the client makes an error of that.
      if (!engine.has(path)) return { status: 200, type: ATOM, body: queueFeed([], url, undefined) };
      return { status: 200, type: ATOM, body: queueEntry(engine.entry(path), url) };
    case 'PUT': {
      const spec = specOf(path, await bodyOf(request));
      const isUpdate = request.headers['if-match'] === '*';
      if (isUpdate) engine.updateQueue(spec);
      else engine.createQueue(spec);
      await broker.flushed();
      return { status: isUpdate ? 200 : 201, type: ATOM, body: queueEntry(engine.entry(path), url) };
    }
    case 'DELETE':
      engine.deleteQueue(path);
      await broker.flushed();
      return { status: 200 };
    default:
      throw new ServiceBusError('NotImplemented', `${method} is no operation of the administration.`);
  }
}

function parseTarget({ url: target = '/', headers }: IncomingMessage): { url: URL; path: string } {
  try {
    const url = new URL(target, `http://${headers.host ?? 'localhost'}`);
    return { url, path: decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '') };
  } catch {
    throw new ServiceBusError('InvalidArgument', 'The address of the request is malformed.');
  }
}

function listQueues({ engine }: Broker, url: URL): Answer {
  const skip = countIn(url, '$skip') ?? 0;
  const top = Math.min(countIn(url, '$top') ?? MAX_PAGE, MAX_PAGE);
  const entries = engine.entries();
  const page = entries.slice(skip, skip + top);
  const next = skip + page.length < entries.length ? skip + page.length : undefined;
  return { status: 200, type: ATOM, body: queueFeed(page, url, next) };
}

/** @throws ServiceBusError `InvalidArgument` for what is no count: a page of none would be asked for again for ever */
function countIn(url: URL, name: '$skip' | '$top'): number | undefined {
  const text = url.searchParams.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,9}$/.test(text) || (name === '$top' && Number(text) === 0))
    throw new ServiceBusError('InvalidArgument', `${name} is '${text}'; expected a whole number.`);
  return Number(text);
}

async function authorize(broker: Broker, request: IncomingMessage, resource: string): Promise<void> {
  const { authorization = '' } = request.headers;
  if (!authorization.startsWith('Bearer ')) {
    verifySas(authorization, broker.key, resource, broker.clock.now());
    return;
  }
  try {
    if (!broker.verifyJwt) throw new Error('tokens of an identity provider are not configured');
    await broker.verifyJwt(authorization.slice('Bearer '.length), resource);
  } catch (error) {
    throw new ServiceBusError('Unauthorized', `The token was refused: ${messageOf(error)}`);
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  try {
    return (await readBody(request, MAX_BODY_BYTES)).toString('utf8');
  } catch (error) {
    if (error instanceof BodyTooLarge) throw new ServiceBusError('InvalidArgument', error.message);
    throw error;
  }
}

/** HTTP status of an error where it differs from the one of `$management`. */
const HTTP_STATUS: Partial<Record<ErrorCode, number>> = { NotImplemented: 400 };

function answerOf(error: unknown, broker: Broker): Answer {
  if (error instanceof ServiceBusError) {
    const status = HTTP_STATUS[error.code] ?? error.status;
    const detail = error.message.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    const body = `<Error><Code>${status}</Code><Detail>${detail}</Detail></Error>`;
    return { status, type: 'application/xml', body };
  }
  broker.log(`an administration request failed: ${stackOf(error)}`);
  return {
    status: 500,
    type: 'application/xml',
    body: '<Error><Code>500</Code><Detail>See the log.</Detail></Error>',
  };
}

function send(response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, type ? { 'content-type': type } : {});
  response.end(body);
}
