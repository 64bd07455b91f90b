import { randomUUID } from 'node:crypto';
import type { Message, NewMessage } from '../message.js';
import { DecodeError, Reader, type Value } from './reader.js';
import { Writer } from './writer.js';
import { Fields } from './performatives.js';

// Sections of a message, part 3.2 of the standard. What lies before the properties is the broker's to rewrite;
// the rest is kept as the bytes that came, so that no type is lost on the way.
const HEADER = 0x70;
const DELIVERY_ANNOTATIONS = 0x71;
const ANNOTATIONS = 0x72;
const PROPERTIES = 0x73;
const APPLICATION_PROPERTIES = 0x74;
const DATA = 0x75;
const FOOTER = 0x78;
const PROPERTY_COUNT = 13;
const MAX_UINT = 0xffff_ffff;
/** Room for the header and annotations of the broker (bytes). */
const BROKER_BYTES = 320;
const SCHEDULED_TIME = 'x-opt-scheduled-enqueue-time';

/** Annotations that the broker sets itself; a sender's are dropped (a message that was received and sent on). */
const BROKER_ANNOTATIONS = new Set([
  SCHEDULED_TIME,
  'x-opt-sequence-number',
  'x-opt-enqueue-sequence-number',
  'x-opt-enqueued-time',
  'x-opt-locked-until',
  'x-opt-message-state',
  'x-opt-deadletter-source',
]);
const MESSAGE_STATES = { active: 0, deferred: 1, scheduled: 2 } as const;

/**
 * Takes apart a message as a client encodes it. A copy is kept, not the bytes given.
 * @throws DecodeError
 */
export function decodeMessage(bytes: Buffer): NewMessage {
  const reader = new Reader(bytes);
  let ttlMs: number | undefined;
  let scheduledFor: number | undefined;
  let annotations: Map<string, Buffer> | undefined;
  let properties: Fields | undefined;
  let bareFrom = bytes.length;
  let restFrom = bytes.length;
  while (reader.more) {
    const from = reader.at;
    const section = reader.descriptor();
    if (section < HEADER || section > FOOTER) throw new DecodeError(`section 0x${section.toString(16)}`);
    if (section === HEADER) ttlMs = new Fields(reader).optionalNumber(2);
    else if (section === ANNOTATIONS) {
      annotations = reader.rawMap();
      const scheduled = annotations.get(SCHEDULED_TIME);
      if (scheduled) scheduledFor = timeOf(new Reader(scheduled).value());
      for (const name of annotations.keys()) if (BROKER_ANNOTATIONS.has(name)) annotations.delete(name);
    } else if (section === DELIVERY_ANNOTATIONS) reader.value();
    else if (section === PROPERTIES) {
      bareFrom = from;
      properties = new Fields(reader, true);
      restFrom = reader.at;
    } else {
      if (bareFrom === bytes.length) bareFrom = from;
      if (!properties) restFrom = Math.min(restFrom, from);
      reader.value();
    }
  }
  if (ttlMs === MAX_UINT) ttlMs = longTtl(properties);
  const id = properties?.value(0) ?? null;
  const sessionId = properties?.string(10);
  const parts: Buffer[] = [];
  if (annotations && annotations.size > 0) parts.push(encodeAnnotations(annotations));
  const messageId = id === null ? randomUUID().replaceAll('-', '') : textOf(id);
  if (id === null) parts.push(encodeProperties(messageId, properties), bytes.subarray(restFrom));
  else parts.push(bytes.subarray(bareFrom));
  // One copy, exactly as long as needed: the bytes given are part of a whole batch.
  return { messageId, sessionId, ttlMs, scheduledFor, payload: Buffer.concat(parts) };
}

/** A time to live beyond what the header can say (49 days) is told by two times in the properties. */
function longTtl(properties: Fields | undefined): number | undefined {
  const [expiry, creation] = [8, 9].map((at) => timeOf(properties?.value(at) ?? null));
  return expiry === undefined || creation === undefined ? MAX_UINT : expiry - creation;
}

function encodeAnnotations(annotations: ReadonlyMap<string, Buffer>): Buffer {
  const out = new Writer().descriptor(ANNOTATIONS).map();
  for (const [name, value] of annotations) out.symbol(name).encoded(value);
  return out.end().finish();
}

/** The properties with another message id. */
function encodeProperties(messageId: string, properties: Fields | undefined): Buffer {
  const out = new Writer().descriptor(PROPERTIES).list().string(messageId);
  for (let at = 1; at < PROPERTY_COUNT; at++) {
    const raw = properties?.raw(at);
    if (raw) out.encoded(raw);
    else out.null();
  }
  return out.end().finish();
}

/** The messages of a batch: each data section is one message, encoded. @throws DecodeError */
export function decodeBatch(bytes: Buffer): NewMessage[] {
  const reader = new Reader(bytes);
  const messages: NewMessage[] = [];
  while (reader.more) {
    const section = reader.descriptor();
    const content = reader.value();
    if (section === DATA && Buffer.isBuffer(content)) messages.push(decodeMessage(content));
  }
  return messages;
}

export interface EncodeOptions {
  /** End of the lock (ms), of a message that is received with one. */
  readonly lockedUntil?: number | undefined;
  readonly omitBody?: boolean;
}

/** A message as a receiver gets it: header and annotations of the broker, then what the sender sent. */
export function encodeMessage(message: Message, options: EncodeOptions = {}): Buffer {
  const out = new Writer(message.payload.length + BROKER_BYTES);
  out.descriptor(HEADER).list().boolean(true).null();
  if (message.ttlMs === undefined || message.ttlMs > MAX_UINT) out.null();
  else out.uint(message.ttlMs);
  out.null().uint(message.deliveries).end();
  out.descriptor(ANNOTATIONS).map();
  out.symbol('x-opt-sequence-number').long(message.seq);
  out.symbol('x-opt-enqueue-sequence-number').long(message.enqueuedSeq);
  out.symbol('x-opt-enqueued-time').timestamp(message.enqueuedAt);
  out.symbol('x-opt-message-state').int(MESSAGE_STATES[message.state]);
  if (options.lockedUntil !== undefined) out.symbol('x-opt-locked-until').timestamp(options.lockedUntil);
  if (message.scheduledFor !== undefined) out.symbol(SCHEDULED_TIME).timestamp(message.scheduledFor);
  const { deadLetter } = message;
  if (deadLetter) out.symbol('x-opt-deadletter-source').string(deadLetter.source);
  let bare = Buffer.from(message.payload.buffer, message.payload.byteOffset, message.payload.length);
  if (bare[2] === ANNOTATIONS) {
    const reader = new Reader(bare);
    reader.descriptor();
    for (const [name, value] of reader.rawMap()) out.symbol(name).encoded(value);
    bare = bare.subarray(reader.at);
  }
  out.end();
  if (deadLetter)
    bare = withProperties(bare, deadLetterProperties(deadLetter.reason, deadLetter.description));
  if (options.omitBody) bare = bare.subarray(0, sectionFrom(bare, DATA));
  return out.bytes(bare).finish();
}

/** The message with application properties added or replaced; their values are encoded already. */
export function withProperties(payload: Uint8Array, changes: ReadonlyMap<string, Buffer>): Buffer {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  const from = sectionFrom(bytes, APPLICATION_PROPERTIES);
  const reader = new Reader(bytes, from);
  let merged: ReadonlyMap<string, Buffer> = changes;
  if (sectionFrom(bytes, DATA) > from) {
    reader.descriptor();
    merged = new Map([...reader.rawMap(), ...changes]);
  }
  const out = new Writer().bytes(bytes.subarray(0, from)).descriptor(APPLICATION_PROPERTIES).map();
  for (const [name, value] of merged) out.string(name).encoded(value);
  return out.end().bytes(bytes.subarray(reader.at)).finish();
}

function deadLetterProperties(
  reason: string | undefined,
  description: string | undefined,
): Map<string, Buffer> {
  const properties = new Map<string, Buffer>();
  if (reason !== undefined) properties.set('DeadLetterReason', new Writer(64).string(reason).finish());
  if (description !== undefined)
    properties.set('DeadLetterErrorDescription', new Writer(64).string(description).finish());
  return properties;
}

/** Where the first section with this descriptor or a later one starts. */
function sectionFrom(bytes: Buffer, wanted: number): number {
  const reader = new Reader(bytes);
  while (reader.more) {
    const from = reader.at;
    if (reader.descriptor() >= wanted) return from;
    reader.value();
  }
  return bytes.length;
}

function timeOf(value: Value): number | undefined {
  return value instanceof Date ? value.getTime() : undefined;
}

/** A message id as text: it may be a string, a number, a UUID or bytes. */
function textOf(value: Value): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return value.toString();
  if (Buffer.isBuffer(value)) return value.toString('hex');
  throw new DecodeError('a message id of the wrong type');
}
