import { Reader } from './amqp/reader.js';
import type { OutgoingLink } from './amqp/links.js';
import { encodeMessage, withProperties } from './amqp/message.js';
import { ACCEPTED, Fields, MODIFIED, REJECTED, RELEASED } from './amqp/performatives.js';
import { commit, fieldsOf, type Origin } from './commit.js';
import { ServiceBusError } from './errors.js';
import type { SessionLock } from './locks.js';
import type { Message } from './message.js';
import type { Queue } from './queue.js';
import type { Settlement } from './settlement.js';
import { deliveryTag } from './requests.js';

/** .NET counts ticks of 100 ns from the year 1; the Unix epoch lies this many in. */
const EPOCH_TICKS = 621_355_968_000_000_000n;
const TICKS_PER_MS = 10_000n;
/** How long accepting the next session waits (ms) if the origin does not say. */
const DEFAULT_ACCEPT_MS = 60_000;
const NO_TAG = Buffer.from([0]);

/**
 * Serves a link that receives from a queue: at once, or as soon as the session it asks for is there.
 * @throws ServiceBusError what the link is refused with
 */
export function receive(origin: Origin, link: OutgoingLink, queue: Queue): void {
  const { sessionFilter } = link;
  if (sessionFilter === undefined) return open(origin, link, queue, undefined);
  if (!queue.sessions)
    throw new ServiceBusError(
      'NotAllowed',
      `A sessionful message receiver cannot be created on an entity that does not require sessions: '${queue.name}'.`,
    );
  const onLost = (why: 'expired' | 'deleted'): void =>
    link.detach(
      why === 'expired'
        ? {
            condition: 'com.microsoft:session-lock-lost',
            message: 'The session lock was lost. Request a new session receiver.',
          }
        : gone(queue),
    );
  if (sessionFilter !== null)
    return open(origin, link, queue, queue.sessions.accept(sessionFilter, link.name, onLost));
  const { clock } = origin.broker;
  const asked = link.properties.get('com.microsoft:timeout');
  const waitMs = typeof asked === 'number' && asked > 0 ? asked : DEFAULT_ACCEPT_MS;
  const cancelTimer = clock.schedule(clock.now() + waitMs, () => {
    stopWaiting();
    link.refuse({
      condition: 'com.microsoft:timeout',
      message: 'The operation did not complete within the allotted time: no session had a message.',
    });
  });
  link.onDetached(() => {
    cancelTimer();
    stopWaiting();
  });
  const stopWaiting = queue.sessions.acceptNext(
    link.name,
    (lock) => {
      cancelTimer();
      open(origin, link, queue, lock);
    },
    onLost,
  );
}

function open(origin: Origin, link: OutgoingLink, queue: Queue, session: SessionLock | undefined): void {
  const mode = link.isPreSettled ? 'receiveAndDelete' : 'peekLock';
  const receiver = queue.openReceiver(
    mode,
    (message, lock) => {
      const payload = encodeMessage(message, { lockedUntil: lock?.until });
      if (lock) link.send(deliveryTag(lock.token), lock.token, payload);
      else link.send(NO_TAG, undefined, payload);
    },
    session,
    () => link.detach(gone(queue)),
  );
  link.onDetached(() => {
    queue.closeReceiver(receiver);
    if (session) queue.sessions?.close(session);
  });
  link.accept(
    (credit) => queue.demand(receiver, credit),
    ({ id, token }, state, isSettled) =>
      commit(
        origin,
        'settle',
        queue.name,
        ({ duplicate }) => {
          const settlement = settlementOf(state, queue.lockOf(token ?? '').message);
          const isCompletion = settlement?.kind === 'complete';
          if (settlement)
            queue.settle(token ?? '', duplicate && isCompletion ? { kind: 'abandon' } : settlement);
        },
        (outcome) => {
          if (isSettled || link.isDetached) return;
          link.session.settle('sender', id, outcome instanceof Error ? fieldsOf(outcome) : 'accepted');
        },
      ),
    session && {
      sessionId: session.session.id,
      untilTicks: BigInt(session.until) * TICKS_PER_MS + EPOCH_TICKS,
    },
  );
}

/** What a disposition's state asks for; undefined for one that ends nothing. */
function settlementOf(state: Buffer, { payload }: Message): Settlement | undefined {
  const reader = new Reader(state);
  switch (reader.descriptor()) {
    case ACCEPTED:
      return { kind: 'complete' };
    case RELEASED:
      return { kind: 'release' };
    case MODIFIED: {
      const fields = new Fields(reader, true);
      const changes = fields.raw(2);
      const kind = fields.flag(1) ? 'defer' : 'abandon';
      return { kind, payload: changes && changed(payload, new Reader(changes).rawMap()) };
    }
    case REJECTED: {
      const error = new Fields(reader, true).raw(0);
      if (!error) return { kind: 'deadLetter' };
      const inner = new Reader(error);
      inner.descriptor();
      const info = new Fields(inner, true).raw(2);
      const changes = info ? new Reader(info).rawMap() : new Map<string, Buffer>();
      const reason = takeText(changes, 'DeadLetterReason');
      const description = takeText(changes, 'DeadLetterErrorDescription');
      return { kind: 'deadLetter', reason, description, payload: changed(payload, changes) };
    }
    default:
      return undefined;
  }
}

function changed(payload: Uint8Array, changes: ReadonlyMap<string, Buffer>): Uint8Array | undefined {
  return changes.size > 0 ? withProperties(payload, changes) : undefined;
}

function takeText(changes: Map<string, Buffer>, name: string): string | undefined {
  const raw = changes.get(name);
  changes.delete(name);
  const value = raw && new Reader(raw).value();
  return typeof value === 'string' ? value : undefined;
}

function gone(queue: Queue): { condition: string; message: string } {
  return {
    condition: 'amqp:not-found',
    message: `The messaging entity '${queue.name}' could not be found. It was deleted.`,
  };
}
