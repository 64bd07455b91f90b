import type { Duplex } from 'node:stream';
import { DecodeError, Reader } from './reader.js';
import { Writer } from './writer.js';
import { AmqpError } from './errors.js';
import type { Link } from './links.js';
import { BEGIN, CLOSE, Fields, OPEN, writeError, type ErrorFields } from './performatives.js';
import { Session } from './session.js';

/** Largest frame taken (bytes), as on Azure; larger messages come in several. */
export const MAX_FRAME_BYTES = 65_536;
const MAX_SESSIONS = 5_000;
/** How often an idle peer hears from us (ms) if it sets no idle timeout of its own. */
const DEFAULT_HEARTBEAT_MS = 30_000;
const AMQP_HEADER = Buffer.from('AMQP\x00\x01\x00\x00', 'latin1');
const SASL_HEADER = Buffer.from('AMQP\x03\x01\x00\x00', 'latin1');
const HEADER_BYTES = 8;
const EMPTY_FRAME = Buffer.from([0, 0, 0, 8, 2, 0, 0, 0]);
const SASL_MECHANISMS = 0x40;
const SASL_INIT = 0x41;
const SASL_OUTCOME = 0x44;

export interface ConnectionHandler {
  /** A link wants in: answer with `accept` or `refuse`, now or later. */
  attached(link: Link): void;
  /** The connection is gone, and its links with it. */
  closed(): void;
  /** Something went wrong that is a bug of ours. */
  failed(error: unknown): void;
}

/** The server's side of one AMQP 1.0 connection over any stream. */
export class Connection {
  readonly handler: ConnectionHandler;
  /** Largest frame the peer takes (bytes). */
  peerMaxFrame = 512;
  readonly #socket: Duplex;
  readonly #containerId: string;
  readonly #out = new Writer();
  readonly #sessions = new Map<number, Session>();
  #pending: Buffer = Buffer.alloc(0);
  #phase: 'header' | 'sasl' | 'header-after-sasl' | 'open' | 'amqp' | 'closed' = 'header';
  #flushing = false;
  #heartbeat: NodeJS.Timeout | undefined;
  #gone = false;

  constructor(socket: Duplex, containerId: string, handler: ConnectionHandler) {
    this.#socket = socket;
    this.#containerId = containerId;
    this.handler = handler;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => this.destroy());
    socket.on('end', () => this.destroy());
    socket.on('close', () => this.destroy());
  }

  /** Cuts the connection without a word. */
  destroy(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#phase = 'closed';
    clearInterval(this.#heartbeat);
    this.#socket.destroy();
    for (const session of this.#sessions.values()) session.disconnected();
    this.handler.closed();
  }

  /** Says why, as far as the peer is ready to hear it, and closes. */
  close(error?: ErrorFields): void {
    if (this.#phase === 'closed') return;
    if (this.#phase === 'open') this.#writeOpen();
    if (this.#phase === 'open' || this.#phase === 'amqp')
      this.frame(0, (out) => {
        out.descriptor(CLOSE).list();
        writeError(out, error);
        out.end();
      });
    this.#phase = 'closed';
    this.#flush();
    this.#socket.end(() => this.destroy());
  }

  /** Writes one frame; all frames of a turn leave in one piece. */
  frame(channel: number, body: (out: Writer) => void, type = 0): void {
    if (this.#phase === 'closed') return;
    const out = this.#out;
    const start = out.length;
    out.uint32(0).uint32(0x0200_0000 | (type << 16) | channel);
    body(out);
    out.patchUint32(out.length - start, start);
    if (this.#flushing) return;
    this.#flushing = true;
    process.nextTick(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#out.length > 0 && !this.#socket.destroyed) this.#socket.write(this.#out.take());
  }

  #read(chunk: Buffer): void {
    let buffer = this.#pending.length > 0 ? Buffer.concat([this.#pending, chunk]) : chunk;
    try {
      for (;;) {
        const used = this.#consume(buffer);
        if (used === 0) break;
        buffer = buffer.subarray(used);
      }
    } catch (error) {
      return this.#fail(error);
    }
    this.#pending = buffer;
    // A client that coalesces small writes waits up to 40 ms for our acknowledgement, which the kernel sends at
    // once only along with data: so a read that needs no answer is answered with an empty frame.
    if (!this.#flushing && this.#phase === 'amqp') this.#socket.write(EMPTY_FRAME);
  }

  #fail(error: unknown): void {
    this.#pending = Buffer.alloc(0);
    if (error instanceof DecodeError)
      return this.close({ condition: 'amqp:decode-error', message: error.message });
    if (error instanceof AmqpError) return this.close(error);
    this.handler.failed(error);
    this.close({ condition: 'amqp:internal-error', message: 'The broker failed on a frame; see its log.' });
  }

  /** Handles what stands at the front of the buffer; returns how many bytes that was, 0 if there is not enough. */
  #consume(buffer: Buffer): number {
    switch (this.#phase) {
      case 'closed':
        return buffer.length;
      case 'header':
      case 'header-after-sasl':
        if (buffer.length < HEADER_BYTES) return 0;
        this.#header(buffer.subarray(0, HEADER_BYTES));
        return HEADER_BYTES;
      case 'sasl':
      case 'open':
      case 'amqp': {
        if (buffer.length < 4) return 0;
        const size = buffer.readUInt32BE(0);
        if (size < HEADER_BYTES || size > MAX_FRAME_BYTES)
          throw new AmqpError('amqp:connection:framing-error', `a frame of ${size} bytes`);
        if (buffer.length < size) return 0;
        this.#frame(buffer.subarray(0, size));
        return size;
      }
      default:
        return this.#phase satisfies never;
    }
  }

  #header(header: Buffer): void {
    if (this.#phase === 'header' && header.equals(SASL_HEADER)) {
      this.#socket.write(SASL_HEADER);
      this.#phase = 'sasl';
      this.frame(0, (out) => out.descriptor(SASL_MECHANISMS).list().symbol('ANONYMOUS').end(), 1);
      this.#flush();
    } else {
      // An unknown header is answered with the one that is spoken here; the peer then knows what to do.
      this.#socket.write(AMQP_HEADER);
      if (!header.equals(AMQP_HEADER)) return this.destroy();
      this.#phase = 'open';
    }
  }

  #frame(frame: Buffer): void {
    const offset = frame[4]! * 4;
    const type = frame[5]!;
    if (offset < HEADER_BYTES || offset > frame.length || type !== (this.#phase === 'sasl' ? 1 : 0))
      throw new AmqpError('amqp:connection:framing-error', 'a frame with a bad header');
    if (offset === frame.length) return;
    const reader = new Reader(frame, offset);
    const performative = reader.descriptor();
    const channel = frame.readUInt16BE(6);
    if (this.#phase === 'sasl') this.#sasl(performative, reader);
    else if (this.#phase === 'open') this.#opened(performative, reader);
    else if (performative === BEGIN) this.#begin(channel, reader);
    else if (performative === CLOSE) this.close();
    else this.#session(channel).handle(performative, reader);
  }

  /** Anybody may open a connection, as on Azure; what counts is the token put through `$cbs`. */
  #sasl(performative: number, reader: Reader): void {
    if (performative !== SASL_INIT)
      throw new AmqpError('amqp:connection:framing-error', 'expected sasl-init');
    const isKnown = new Fields(reader).string(0) === 'ANONYMOUS';
    this.frame(
      0,
      (out) =>
        out
          .descriptor(SASL_OUTCOME)
          .list()
          .ubyte(isKnown ? 0 : 1)
          .end(),
      1,
    );
    this.#flush();
    if (isKnown) this.#phase = 'header-after-sasl';
    else this.#socket.end();
  }

  #opened(performative: number, reader: Reader): void {
    if (performative !== OPEN) throw new AmqpError('amqp:illegal-state', 'expected open');
    const fields = new Fields(reader);
    this.peerMaxFrame = Math.max(512, fields.optionalNumber(2) ?? 0xffff_ffff);
    const idleMs = fields.optionalNumber(4);
    this.#writeOpen();
    this.#phase = 'amqp';
    const everyMs = idleMs ? Math.max(100, Math.min(idleMs / 2, DEFAULT_HEARTBEAT_MS)) : DEFAULT_HEARTBEAT_MS;
    this.#heartbeat = setInterval(() => this.#socket.write(EMPTY_FRAME), everyMs).unref();
  }

  #writeOpen(): void {
    this.frame(0, (out) =>
      out
        .descriptor(OPEN)
        .list()
        .string(this.#containerId)
        .null()
        .uint(MAX_FRAME_BYTES)
        .ushort(MAX_SESSIONS - 1)
        .end(),
    );
  }

  #begin(channel: number, reader: Reader): void {
    if (this.#sessions.has(channel) || this.#sessions.size >= MAX_SESSIONS)
      throw new AmqpError('amqp:not-allowed', `channel ${channel} is in use, or there are too many`);
    this.#sessions.set(
      channel,
      new Session(this, channel, new Fields(reader), () => this.#sessions.delete(channel)),
    );
  }

  #session(channel: number): Session {
    const session = this.#sessions.get(channel);
    if (session) return session;
    throw new AmqpError('amqp:not-allowed', `there is no session on channel ${channel}`);
  }
}
