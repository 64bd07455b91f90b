import { DecodeError, Reader, type Value } from './amqp/reader.js';
import { int64, Writer } from './amqp/writer.js';
import { decodeMessage, encodeMessage, withProperties } from './amqp/message.js';
import { ServiceBusError } from './errors.js';
import type { MessageLock, SessionLock } from './locks.js';
import type { Message } from './message.js';
import type { Queue } from './queue.js';
import type { Settlement } from './settlement.js';
import { field, number, numbers, text, uuidBytes, uuids, type Request, type Response } from './requests.js';

const TIMESTAMP = 0x83;
const LONG = 0x81;
/** Most messages in one answer to a peek, so that it stays small whatever is asked for. */
const MAX_PEEK = 250;
const PREFIX = 'com.microsoft:';

/**
 * Does one operation on a queue's `$management` node.
 * @throws ServiceBusError or DecodeError, to be told to the client
 */
export function manage(queue: Queue, request: Request): Response {
  const operation = request.operation.startsWith(PREFIX)
    ? request.operation.slice(PREFIX.length)
    : request.operation;
  switch (operation) {
    case 'renew-lock': {
      const ends = uuids(request, 'lock-tokens').map((token) => int64(queue.renewLock(token)));
      return withMap((out) => out.string('expirations').array(TIMESTAMP, ends));
    }
    case 'schedule-message':
      return schedule(queue, request);
    case 'cancel-scheduled-message':
      queue.cancelScheduled(numbers(request, 'sequence-numbers'));
      return withMap(() => {});
    case 'peek-message':
      return peek(queue, request);
    case 'receive-by-sequence-number':
      return receiveDeferred(queue, request);
    case 'update-disposition':
      return updateDisposition(queue, request);
    case 'renew-session-lock': {
      const lock = held(queue, request);
      queue.sessions?.renew(lock);
      return withMap((out) => out.string('expiration').timestamp(lock.until));
    }
    case 'get-session-state': {
      const { state } = held(queue, request).session;
      return withMap((out) =>
        state ? out.string('session-state').binary(state) : out.string('session-state').null(),
      );
    }
    case 'set-session-state': {
      const state = field(request, 'session-state');
      queue.setSessionState(held(queue, request), Buffer.isBuffer(state) ? Buffer.from(state) : undefined);
      return withMap(() => {});
    }
    case 'get-message-sessions':
      return messageSessions(queue, request);
    case 'add-rule':
    case 'remove-rule':
    case 'enumerate-rules':
      throw new ServiceBusError('NotImplemented', `${operation}: the embedded cloud has no topics or rules.`);
    default:
      throw new ServiceBusError('NotImplemented', `'${request.operation}' is not an operation of a queue.`);
  }
}

function schedule(queue: Queue, request: Request): Response {
  const messages = list(request, 'messages').map((entry) => {
    const encoded = entry.get('message');
    if (!Buffer.isBuffer(encoded)) throw new DecodeError('schedule-message: an entry without message');
    return decodeMessage(encoded);
  });
  const seqs = queue.send(messages);
  // A duplicate is dropped in silence; it has no number, and cancelling number 0 finds nothing.
  return withMap((out) =>
    out.string('sequence-numbers').array(
      LONG,
      seqs.map((seq) => int64(seq ?? 0)),
    ),
  );
}

function peek(queue: Queue, request: Request): Response {
  const count = Math.min(number(request, 'message-count'), MAX_PEEK);
  const from = Number(field(request, 'from-sequence-number') ?? 0);
  const omitBody = field(request, 'omit-message-body') === true;
  const messages = queue.peek(from, count, text(request, 'session-id'));
  if (messages.length === 0) return { status: 204, description: 'No messages.', write: (out) => out.null() };
  return withMap((out) => {
    out.string('messages').list();
    for (const message of messages)
      out.map().string('message').binary(encodeMessage(message, { omitBody })).end();
    out.end();
  });
}

function receiveDeferred(queue: Queue, request: Request): Response {
  const mode = number(request, 'receiver-settle-mode') === 0 ? 'receiveAndDelete' : 'peekLock';
  const session = queue.sessions ? held(queue, request) : undefined;
  const received: { message: Buffer; lock: MessageLock | undefined }[] = [];
  const onMessage = (message: Message, lock: MessageLock | undefined): void => {
    received.push({ message: encodeMessage(message, { lockedUntil: lock?.until }), lock });
  };
  queue.receiveDeferred(numbers(request, 'sequence-numbers'), mode, onMessage, session);
  return withMap((out) => {
    out.string('messages').list();
    for (const { message, lock } of received) {
      out.map().string('message').binary(message);
      if (lock) out.string('lock-token').uuid(uuidBytes(lock.token));
      out.end();
    }
    out.end();
  });
}

function updateDisposition(queue: Queue, request: Request): Response {
  const status = text(request, 'disposition-status');
  const changes = request.rawBody && new Reader(request.rawBody).rawMap().get('properties-to-modify');
  const properties = changes && new Reader(changes).rawMap();
  for (const token of uuids(request, 'lock-tokens')) {
    const { payload } = queue.lockOf(token).message;
    const changed = properties && properties.size > 0 ? withProperties(payload, properties) : undefined;
    queue.settle(token, settlementOf(status, request, changed));
  }
  return withMap(() => {});
}

function settlementOf(status: string | undefined, request: Request, payload: Buffer | undefined): Settlement {
  switch (status) {
    case 'completed':
      return { kind: 'complete' };
    case 'abandoned':
      return { kind: 'abandon', payload };
    case 'defered':
      return { kind: 'defer', payload };
    case 'suspended': {
      const reason = text(request, 'deadletter-reason');
      const description = text(request, 'deadletter-description');
      return { kind: 'deadLetter', reason, description, payload };
    }
    default:
      throw new ServiceBusError('NotImplemented', `disposition-status '${status}'`);
  }
}

/** Sessions with a state, or with messages, by id. */
function messageSessions(queue: Queue, request: Request): Response {
  const skip = number(request, 'skip');
  const ids = queue.sessions?.ids().slice(skip, skip + number(request, 'top')) ?? [];
  if (ids.length === 0) return { status: 204, description: 'No sessions.', write: (out) => out.null() };
  return withMap((out) => {
    out
      .string('skip')
      .int(skip + ids.length)
      .string('sessions-ids')
      .list();
    for (const id of ids) out.string(id);
    out.end();
  });
}

/** The session lock that the asking link holds. */
function held(queue: Queue, request: Request): SessionLock {
  if (!queue.sessions) throw new ServiceBusError('NotAllowed', `'${queue.name}' does not require sessions.`);
  const owner = request.properties.get('associated-link-name');
  return queue.sessions.held(
    text(request, 'session-id') ?? '',
    typeof owner === 'string' ? owner : undefined,
  );
}

function list(request: Request, name: string): Map<Value, Value>[] {
  const value = field(request, name);
  if (!Array.isArray(value)) throw new DecodeError(`${request.operation}: ${name} is not a list`);
  return value.filter((entry) => entry instanceof Map);
}

function withMap(fill: (out: Writer) => unknown): Response {
  return {
    status: 200,
    write: (out) => {
      out.map();
      fill(out);
      out.end();
    },
  };
}
