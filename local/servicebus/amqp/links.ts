import type { Value } from './reader.js';
import { ATTACH, DETACH, SOURCE, writeError, type ErrorFields, type Fields } from './performatives.js';
import type { OutgoingDelivery, Outcome, Session } from './session.js';

/** Messages a sender may have under way on a link. */
const SENDER_CREDIT = 1_000;
const SESSION_FILTER = 'com.microsoft:session-filter';

export type Link = IncomingLink | OutgoingLink;

/** What both kinds of link share: their names, and how they end. */
abstract class LinkBase {
  readonly name: string;
  readonly handle: number;
  readonly session: Session;
  /** Properties of the peer's attach. */
  readonly properties: ReadonlyMap<Value, Value>;
  protected readonly attach: Fields;
  protected isOpen = false;
  #isDetached = false;
  #onDetached: () => void = () => {};

  constructor(session: Session, attach: Fields) {
    this.session = session;
    this.attach = attach;
    this.name = attach.string(0) ?? '';
    this.handle = attach.number(1);
    this.properties = attach.map(13);
  }

  /** The peer's name for its end: where replies to it go. */
  get targetAddress(): string {
    return addressOf(this.attach.nested(6));
  }

  get sourceAddress(): string {
    return addressOf(this.attach.nested(5));
  }

  /** Called once when the link ends, whoever ends it. */
  onDetached(listener: () => void): void {
    this.#onDetached = listener;
  }

  get isDetached(): boolean {
    return this.#isDetached;
  }

  /** Ends the link from our side. */
  detach(error?: ErrorFields): void {
    if (this.#isDetached) return;
    this.#isDetached = true;
    this.#onDetached();
    this.#writeDetach(error);
  }

  /** Never lets the link open: an attach without a terminus, then a detach that says why. */
  refuse(error: ErrorFields): void {
    if (!this.isOpen) this.writeAttach(false);
    this.detach(error);
  }

  /** The peer gave the link up, or is gone. @param answer whether to answer its detach */
  ended(answer: boolean): void {
    if (this.#isDetached) return;
    this.#isDetached = true;
    this.#onDetached();
    if (!answer) return;
    // A link that the peer gives up before it was answered (accepting the next session) still gets both frames.
    if (!this.isOpen) this.writeAttach(false);
    this.#writeDetach(undefined);
  }

  protected abstract writeAttach(withTerminus: boolean): void;

  #writeDetach(error: ErrorFields | undefined): void {
    this.session.frame((out) => {
      out.descriptor(DETACH).list().uint(this.handle).boolean(true);
      writeError(out, error);
      out.end();
    });
  }
}

/** A link on which the peer sends. */
export class IncomingLink extends LinkBase {
  #maxMessageBytes = 0;
  #onMessage: (message: Buffer, format: number, settle: (outcome: Outcome) => void) => void = () => {};
  #parts: Buffer[] = [];
  #partBytes = 0;
  #delivery: { id: number; format: number; isSettled: boolean } | undefined;
  #deliveryCount = 0;
  #credit = SENDER_CREDIT;

  get address(): string {
    return this.targetAddress;
  }

  /**
   * Lets the peer send.
   * @param onMessage called for each message with its format and a function that tells the outcome. The bytes
   *   are only valid during the call.
   */
  accept(
    maxMessageBytes: number,
    onMessage: (message: Buffer, format: number, settle: (outcome: Outcome) => void) => void,
  ): void {
    this.#maxMessageBytes = maxMessageBytes;
    this.#onMessage = onMessage;
    this.isOpen = true;
    this.writeAttach(true);
    // In the same write as the attach: a client that finds no credit right then sleeps for a second.
    this.session.flow(this.handle, this.#deliveryCount, this.#credit, false);
  }

  transferred(fields: Fields, payload: Buffer): void {
    if (this.isDetached) return;
    const id = fields.optionalNumber(1);
    if (!this.#delivery && id !== undefined)
      this.#delivery = { id, format: fields.optionalNumber(3) ?? 0, isSettled: false };
    const delivery = this.#delivery;
    if (!delivery) return;
    delivery.isSettled ||= fields.flag(4);
    this.#partBytes += payload.length;
    // What is too large is counted but not kept; it is refused when its last part is in.
    const isTooLarge = this.#partBytes > this.#maxMessageBytes;
    if (isTooLarge) this.#parts = [];
    else this.#parts.push(payload);
    if (fields.flag(5) && !fields.flag(9)) return;
    const message = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#partBytes = 0;
    this.#delivery = undefined;
    this.#deliveryCount = (this.#deliveryCount + 1) >>> 0;
    if (--this.#credit <= SENDER_CREDIT / 2) {
      this.#credit = SENDER_CREDIT;
      this.session.flow(this.handle, this.#deliveryCount, this.#credit, false);
    }
    if (fields.flag(9)) return;
    const settle = (outcome: Outcome): void => {
      if (!delivery.isSettled && !this.isDetached) this.session.settle('receiver', delivery.id, outcome);
    };
    if (!isTooLarge) this.#onMessage(message, delivery.format, settle);
    else
      settle({
        condition: 'amqp:link:message-size-exceeded',
        message: `The received message exceeds the limit of the link (${this.#maxMessageBytes} bytes).`,
      });
  }

  protected writeAttach(withTerminus: boolean): void {
    this.session.frame((out) => {
      out.descriptor(ATTACH).list().string(this.name).uint(this.handle).boolean(true);
      for (const at of [3, 4]) out.ubyte(this.attach.optionalNumber(at) ?? 0);
      for (const at of [5, 6]) {
        const terminus = withTerminus || at === 5 ? this.attach.raw(at) : undefined;
        if (terminus) out.encoded(terminus);
        else out.null();
      }
      out.null().null().null().ulong(this.#maxMessageBytes).end();
    });
  }
}

/** A link on which the peer receives. */
export class OutgoingLink extends LinkBase {
  credit = 0;
  #deliveryCount = 0;
  #sessionId: string | undefined;
  #lockedUntilTicks: bigint | undefined;
  #onCredit: (credit: number) => void = () => {};
  #onDisposed: (delivery: OutgoingDelivery, state: Buffer, isSettled: boolean) => void = () => {};

  get address(): string {
    return this.sourceAddress;
  }

  /** True if the receiver wants each message removed as it is sent. */
  get isPreSettled(): boolean {
    return this.attach.optionalNumber(3) === 1;
  }

  /** The session asked for: an id, null for the next one, undefined for none. */
  get sessionFilter(): string | null | undefined {
    const filter = this.attach.nested(5)?.[7];
    if (!(filter instanceof Map) || !filter.has(SESSION_FILTER)) return undefined;
    const id = filter.get(SESSION_FILTER);
    return typeof id === 'string' ? id : null;
  }

  /**
   * Lets the peer receive.
   * @param onCredit called with the credit each time the peer grants some; what can be sent is sent in the call
   * @param onDisposed called with the peer's outcome of a delivery; answer it with `session.settle`
   * @param locked the session that the receiver got, and until when (.NET ticks)
   */
  accept(
    onCredit: (credit: number) => void,
    onDisposed: (delivery: OutgoingDelivery, state: Buffer, isSettled: boolean) => void,
    locked?: { sessionId: string; untilTicks: bigint },
  ): void {
    this.#onCredit = onCredit;
    this.#onDisposed = onDisposed;
    this.#sessionId = locked?.sessionId;
    this.#lockedUntilTicks = locked?.untilTicks;
    this.isOpen = true;
    this.writeAttach(true);
  }

  /** Sends a message; uses one credit. @param token the lock to settle it by, undefined if sent settled */
  send(tag: Uint8Array, token: string | undefined, payload: Buffer): void {
    this.credit--;
    this.#deliveryCount = (this.#deliveryCount + 1) >>> 0;
    this.session.transfer(this, tag, token, payload);
  }

  credited(peerCount: number, credit: number, drain: boolean): void {
    if (this.isDetached) return;
    this.credit = Math.max(0, (peerCount + credit - this.#deliveryCount) | 0);
    this.#onCredit(this.credit);
    if (!drain) return;
    this.#deliveryCount = (this.#deliveryCount + this.credit) >>> 0;
    this.credit = 0;
    this.#onCredit(0);
    this.session.flow(this.handle, this.#deliveryCount, 0, true);
  }

  disposed(delivery: OutgoingDelivery, state: Buffer, isSettled: boolean): void {
    this.#onDisposed(delivery, state, isSettled);
  }

  protected writeAttach(withTerminus: boolean): void {
    this.session.frame((out) => {
      out.descriptor(ATTACH).list().string(this.name).uint(this.handle).boolean(false);
      for (const at of [3, 4]) out.ubyte(this.attach.optionalNumber(at) ?? 0);
      const source = this.attach.raw(5);
      if (!withTerminus || !source) out.null();
      else if (this.#sessionId === undefined) out.encoded(source);
      else {
        out.descriptor(SOURCE).list().string(this.address);
        for (let at = 1; at < 7; at++) out.null();
        out.map().symbol(SESSION_FILTER).string(this.#sessionId).end().end();
      }
      const target = this.attach.raw(6);
      if (target) out.encoded(target);
      else out.null();
      out.null().null().uint(0).null().null().null();
      if (this.#lockedUntilTicks === undefined) out.null();
      else out.map().symbol('com.microsoft:locked-until-utc').long(this.#lockedUntilTicks).end();
      out.end();
    });
  }
}

function addressOf(terminus: readonly Value[] | undefined): string {
  const address = terminus?.[0];
  return typeof address === 'string' ? address : '';
}
