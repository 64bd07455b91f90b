import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import type { Change } from './changes.js';
import { ServiceBusError } from './errors.js';
import { Queue } from './queue.js';
import { stored } from './shelf.js';
import { settingsOf, type QueueSpec } from './spec.js';

const DEAD_LETTER_SUFFIX = '/$deadletterqueue';

export interface EngineOptions {
  clock: Clock;
  /** Makes the UUIDs of locks; injected, so that a simulation is repeatable. */
  newToken?: () => string;
  /** Told of every step that must survive a restart, in order, before it is seen by anybody. */
  onChange?: (change: Change) => void;
}

interface Entry {
  spec: QueueSpec;
  queue: Queue;
  readonly createdAt: number;
  updatedAt: number;
}

/** A Service Bus namespace without sockets: its queues by name, case-insensitive as on the service. */
export class Engine {
  readonly clock: Clock;
  readonly #entries = new Map<string, Entry>();
  readonly #newToken: () => string;
  #onChange: (change: Change) => void;

  constructor({ clock, newToken = randomUUID, onChange = () => {} }: EngineOptions) {
    this.clock = clock;
    this.#newToken = newToken;
    this.#onChange = onChange;
  }

  /** From now on, tells `listener` of every change. */
  onChange(listener: (change: Change) => void): void {
    this.#onChange = listener;
  }

  /** @throws ServiceBusError `EntityAlreadyExists` or `InvalidArgument` */
  createQueue(spec: QueueSpec): Queue {
    const settings = settingsOf(spec);
    if (this.#entries.has(spec.name.toLowerCase()))
      throw new ServiceBusError(
        'EntityAlreadyExists',
        `SubCode=40900. The queue '${spec.name}' already exists.`,
      );
    const queue = new Queue(settings, {
      clock: this.clock,
      newToken: this.#newToken,
      onChange: (change) => this.#onChange(change),
    });
    const now = this.clock.now();
    this.#entries.set(spec.name.toLowerCase(), { spec, queue, createdAt: now, updatedAt: now });
    this.#onChange({ kind: 'queue', spec });
    return queue;
  }

  /**
   * Changes a queue's settings; messages stay.
   * @throws ServiceBusError `NotAllowed` if it would turn sessions or duplicate detection on or off
   */
  updateQueue(spec: QueueSpec): Queue {
    const settings = settingsOf(spec);
    const entry = this.entry(spec.name);
    const { requiresSession, duplicateWindowMs } = entry.queue.settings;
    if (settings.requiresSession !== requiresSession)
      throw new ServiceBusError('NotAllowed', `requiresSession of '${spec.name}' cannot change.`);
    if (settings.duplicateWindowMs > 0 !== duplicateWindowMs > 0)
      throw new ServiceBusError(
        'NotAllowed',
        `Duplicate detection of '${spec.name}' cannot be turned on or off.`,
      );
    entry.spec = spec;
    entry.updatedAt = this.clock.now();
    entry.queue.update(settings);
    this.#onChange({ kind: 'queue', spec });
    return entry.queue;
  }

  /** @throws ServiceBusError `EntityNotFound` */
  deleteQueue(name: string): void {
    const { queue } = this.entry(name);
    this.#entries.delete(name.toLowerCase());
    this.#onChange({ kind: 'queueDeleted', queue: queue.name });
    queue.dispose();
  }

  has(name: string): boolean {
    return this.#entries.has(name.toLowerCase());
  }

  /** Every queue, by name. */
  entries(): Readonly<Entry>[] {
    return [...this.#entries.values()].toSorted((a, b) => (a.spec.name < b.spec.name ? -1 : 1));
  }

  /** @throws ServiceBusError `EntityNotFound` */
  entry(name: string): Entry {
    const entry = this.#entries.get(name.toLowerCase());
    if (entry) return entry;
    // The client recognises the entity that is missing by this text.
    throw new ServiceBusError(
      'EntityNotFound',
      `The messaging entity '${name}' could not be found. To know more visit https://aka.ms/sbResourceMgrExceptions.`,
    );
  }

  /** The queue at an address: `name` or `name/$DeadLetterQueue`. @throws ServiceBusError `EntityNotFound` */
  queue(address: string): Queue {
    const isDead = address.toLowerCase().endsWith(DEAD_LETTER_SUFFIX);
    const { queue } = this.entry(isDead ? address.slice(0, -DEAD_LETTER_SUFFIX.length) : address);
    return isDead ? queue.deadLetters! : queue;
  }

  /** Puts back the changes of a log, in order; then timers run and messages are available again, none locked. */
  restore(changes: Iterable<Change>): void {
    for (const change of changes) this.#restore(change);
    for (const { queue } of this.#entries.values()) {
      for (const message of queue.peek(0, Infinity)) queue.revive(message);
      for (const message of queue.deadLetters!.peek(0, Infinity)) queue.deadLetters!.revive(message);
    }
  }

  /** The changes that make this namespace as it is now. */
  *snapshot(): Generator<Change> {
    const now = this.clock.now();
    for (const { spec, queue } of this.#entries.values()) {
      yield { kind: 'queue', spec };
      yield { kind: 'nextSeq', queue: queue.name, seq: queue.nextSeq };
      for (const message of queue.shelf.all.from(0))
        yield { kind: 'added', queue: queue.name, dead: false, message: stored(message) };
      for (const message of queue.deadLetters!.shelf.all.from(0))
        yield { kind: 'added', queue: queue.name, dead: true, message: stored(message) };
      for (const [messageId, until] of queue.duplicates.entries(now))
        yield { kind: 'seen', queue: queue.name, messageId, until };
      for (const { id, state } of queue.sessions?.withState() ?? [])
        yield { kind: 'session', queue: queue.name, session: id, state };
    }
  }

  dispose(): void {
    for (const { queue } of this.#entries.values()) queue.dispose();
  }

  #restore(change: Change): void {
    if (change.kind === 'queue') {
      if (this.has(change.spec.name)) this.updateQueue(change.spec);
      else this.createQueue(change.spec);
      return;
    }
    if (!this.has(change.queue)) return;
    if (change.kind === 'queueDeleted') return this.deleteQueue(change.queue);
    const { queue } = this.entry(change.queue);
    const { shelf } = ('dead' in change && change.dead && queue.deadLetters) || queue;
    switch (change.kind) {
      case 'added': {
        const { message, replaces } = change;
        const replaced = replaces === undefined ? undefined : queue.shelf.all.find(replaces);
        if (replaced) queue.shelf.drop(replaced);
        shelf.add(message);
        queue.nextSeq = Math.max(queue.nextSeq, message.seq + 1);
        const { duplicateWindowMs } = queue.settings;
        if (duplicateWindowMs > 0 && replaces === undefined && !change.dead)
          queue.duplicates.note(message.messageId, message.enqueuedAt + duplicateWindowMs);
        return;
      }
      case 'removed': {
        const message = shelf.all.find(change.seq);
        if (message) shelf.drop(message);
        return;
      }
      case 'updated': {
        const message = shelf.all.find(change.seq);
        if (!message) return;
        message.deliveries = change.deliveries;
        if (change.deferred) shelf.defer(message);
        if (change.payload) shelf.replacePayload(message, change.payload);
        return;
      }
      case 'session':
        if (queue.sessions) queue.sessions.of(change.session).state = change.state;
        return;
      case 'seen':
        return queue.duplicates.note(change.messageId, change.until);
      case 'nextSeq':
        queue.nextSeq = Math.max(queue.nextSeq, change.seq);
        return;
      default:
        change satisfies never;
    }
  }
}
