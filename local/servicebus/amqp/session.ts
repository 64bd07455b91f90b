import { Fifo } from '../fifo.js';
import type { Reader } from './reader.js';
import type { Writer } from './writer.js';
import type { Connection } from './connection.js';
import { AmqpError } from './errors.js';
import { IncomingLink, OutgoingLink, type Link } from './links.js';
import {
  ACCEPTED,
  ATTACH,
  BEGIN,
  DETACH,
  DISPOSITION,
  END,
  Fields,
  FLOW,
  REJECTED,
  TRANSFER,
  writeError,
  type ErrorFields,
} from './performatives.js';

/** Transfers the peer may have under way on a session; the credit of each link is the real limit. */
const INCOMING_WINDOW = 0x7fff_ffff;
const MAX_LINKS = 255;

/** A delivery of ours that the peer has not settled yet. */
export interface OutgoingDelivery {
  readonly id: number;
  readonly link: OutgoingLink;
  readonly token: string | undefined;
}

/** How a delivery of the peer's ended. */
export type Outcome = 'accepted' | ErrorFields;

/** One session: numbers the deliveries, keeps the windows, and finds the link of each frame. */
export class Session {
  readonly connection: Connection;
  readonly #channel: number;
  readonly #forget: () => void;
  readonly #links = new Map<number, Link>();
  readonly #unsettled = new Map<number, OutgoingDelivery>();
  /** What waits for the peer's window; `cost` is 1 for a transfer. */
  readonly #held = new Fifo<{ cost: number; write: () => void }>();
  #nextIncoming: number;
  #nextOutgoing = 0;
  #nextDelivery = 0;
  #window: number;

  constructor(connection: Connection, channel: number, begin: Fields, forget: () => void) {
    this.connection = connection;
    this.#channel = channel;
    this.#forget = forget;
    this.#nextIncoming = begin.number(1);
    this.#window = begin.number(2);
    this.frame((out) =>
      out
        .descriptor(BEGIN)
        .list()
        .ushort(channel)
        .uint(0)
        .uint(INCOMING_WINDOW)
        .uint(INCOMING_WINDOW)
        .uint(MAX_LINKS)
        .end(),
    );
  }

  frame(body: (out: Writer) => void): void {
    this.connection.frame(this.#channel, body);
  }

  handle(performative: number, reader: Reader): void {
    switch (performative) {
      case TRANSFER: {
        this.#nextIncoming = (this.#nextIncoming + 1) >>> 0;
        const fields = new Fields(reader);
        const link = this.#link(fields);
        if (link instanceof IncomingLink) return link.transferred(fields, reader.buffer.subarray(reader.at));
        throw new AmqpError('amqp:not-allowed', 'a transfer to a link that receives');
      }
      case DISPOSITION:
        return this.#disposed(new Fields(reader, true));
      case FLOW:
        return this.#flowed(new Fields(reader));
      case ATTACH:
        return this.#attached(new Fields(reader, true));
      case DETACH: {
        const fields = new Fields(reader);
        this.#link(fields).ended(true);
        this.#links.delete(fields.number(0));
        return;
      }
      case END:
        this.disconnected();
        this.frame((out) => out.descriptor(END).list().null().end());
        return this.#forget();
      default:
        throw new AmqpError('amqp:not-implemented', `performative 0x${performative.toString(16)}`);
    }
  }

  /** The peer is gone: tells every link. */
  disconnected(): void {
    for (const link of this.#links.values()) link.ended(false);
    this.#links.clear();
    this.#unsettled.clear();
  }

  /** Sends a message, in as many transfers as the peer's frames need, when its window allows. */
  transfer(link: OutgoingLink, tag: Uint8Array, token: string | undefined, payload: Buffer): void {
    const id = this.#nextDelivery;
    this.#nextDelivery = (id + 1) >>> 0;
    if (token !== undefined) this.#unsettled.set(id, { id, link, token });
    const room = this.connection.peerMaxFrame - 64 - tag.length;
    for (let from = 0; from === 0 || from < payload.length; from += room) {
      const more = from + room < payload.length;
      const part = more || from > 0 ? payload.subarray(from, from + room) : payload;
      this.#whenOpen(1, () =>
        this.frame((out) => {
          out.descriptor(TRANSFER).list().uint(link.handle).uint(id).binary(tag).uint(0);
          out
            .boolean(token === undefined)
            .boolean(more)
            .end()
            .bytes(part);
        }),
      );
    }
  }

  /** Tells the peer how a delivery ended: of ours (`role` sender) or of its own. */
  settle(role: 'sender' | 'receiver', id: number, outcome: Outcome): void {
    if (role === 'sender') this.#unsettled.delete(id);
    this.frame((out) => {
      out
        .descriptor(DISPOSITION)
        .list()
        .boolean(role === 'receiver')
        .uint(id)
        .uint(id)
        .boolean(true);
      if (outcome === 'accepted') out.descriptor(ACCEPTED).list().end();
      else {
        out.descriptor(REJECTED).list();
        writeError(out, outcome);
        out.end();
      }
      out.end();
    });
  }

  /** Sends the state of a link's credit. */
  flow(handle: number, deliveryCount: number, credit: number, drain: boolean): void {
    this.#whenOpen(0, () =>
      this.frame((out) =>
        out
          .descriptor(FLOW)
          .list()
          .uint(this.#nextIncoming)
          .uint(INCOMING_WINDOW)
          .uint(this.#nextOutgoing)
          .uint(INCOMING_WINDOW)
          .uint(handle)
          .uint(deliveryCount)
          .uint(credit)
          .null()
          .boolean(drain)
          .end(),
      ),
    );
  }

  #whenOpen(cost: number, write: () => void): void {
    if (this.#held.size > 0 || this.#window < cost) this.#held.push({ cost, write });
    else this.#spend(cost, write);
  }

  #spend(cost: number, write: () => void): void {
    this.#window -= cost;
    this.#nextOutgoing = (this.#nextOutgoing + cost) >>> 0;
    write();
  }

  #link(fields: Fields): Link {
    const handle = fields.number(0);
    const link = this.#links.get(handle);
    if (link) return link;
    throw new AmqpError('amqp:session:unattached-handle', `there is no link with handle ${handle}`);
  }

  #attached(fields: Fields): void {
    const handle = fields.number(1);
    if (this.#links.has(handle)) throw new AmqpError('amqp:session:handle-in-use', `handle ${handle}`);
    if (this.#links.size > MAX_LINKS) throw new AmqpError('amqp:not-allowed', 'too many links on a session');
    // The peer's role decides: where it receives, we send.
    const link = fields.flag(2) ? new OutgoingLink(this, fields) : new IncomingLink(this, fields);
    this.#links.set(handle, link);
    this.connection.handler.attached(link);
  }

  #flowed(fields: Fields): void {
    const peerNext = fields.optionalNumber(0) ?? 0;
    this.#window = ((peerNext + fields.number(1) - this.#nextOutgoing) | 0) >>> 0;
    for (let next = this.#held.peek(); next && next.cost <= this.#window; next = this.#held.peek()) {
      this.#held.shift();
      this.#spend(next.cost, next.write);
    }
    const handle = fields.optionalNumber(4);
    if (handle === undefined) return;
    const link = this.#links.get(handle);
    if (link instanceof OutgoingLink)
      link.credited(fields.optionalNumber(5) ?? 0, fields.optionalNumber(6) ?? 0, fields.flag(8));
  }

  #disposed(fields: Fields): void {
    // Only what we sent concerns us: a peer that confirms our own outcome says nothing new.
    if (!fields.flag(0)) return;
    const first = fields.number(1);
    const last = fields.optionalNumber(2) ?? first;
    const isSettled = fields.flag(3);
    const state = fields.raw(4);
    const count = ((last - first) >>> 0) + 1;
    const ids =
      count > this.#unsettled.size
        ? [...this.#unsettled.keys()].filter((id) => (id - first) >>> 0 < count)
        : Array.from({ length: count }, (_, at) => (first + at) >>> 0);
    for (const id of ids) {
      const delivery = this.#unsettled.get(id);
      if (!delivery) continue;
      if (isSettled) this.#unsettled.delete(id);
      if (state) delivery.link.disposed(delivery, state, isSettled);
    }
  }
}
