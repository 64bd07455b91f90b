import { Described, DecodeError, Reader, type Value } from './amqp/reader.js';
import { Writer } from './amqp/writer.js';
import { Fields } from './amqp/performatives.js';

const PROPERTIES = 0x73;
const APPLICATION_PROPERTIES = 0x74;
const DATA = 0x75;
const VALUE = 0x77;

/** A request to `$management` or `$cbs`. */
export interface Request {
  readonly operation: string;
  readonly properties: ReadonlyMap<Value, Value>;
  readonly body: Value;
  /** The body's map with values still encoded, for those whose types must survive. */
  readonly rawBody: Buffer | undefined;
  readonly replyTo: string;
  readonly messageId: Buffer | undefined;
}

export interface Response {
  readonly status: number;
  readonly description?: string;
  readonly condition?: string;
  /** Writes the body, one value. */
  readonly write: (out: Writer) => void;
}

/** @throws DecodeError */
export function decodeRequest(bytes: Buffer): Request {
  const reader = new Reader(bytes);
  let properties: Fields | undefined;
  let applicationProperties: ReadonlyMap<Value, Value> = new Map();
  let body: Value = null;
  let rawBody: Buffer | undefined;
  while (reader.more) {
    const section = reader.descriptor();
    if (section === PROPERTIES) properties = new Fields(reader, true);
    else if (section === APPLICATION_PROPERTIES) {
      const value = reader.value();
      if (value instanceof Map) applicationProperties = value;
    } else if (section === VALUE || section === DATA) {
      const from = reader.at;
      body = reader.value();
      rawBody = bytes.subarray(from, reader.at);
    } else reader.value();
  }
  const operation = applicationProperties.get('operation');
  if (typeof operation !== 'string') throw new DecodeError('a request without operation');
  return {
    operation,
    properties: applicationProperties,
    body,
    rawBody,
    replyTo: properties?.string(4) ?? '',
    messageId: properties?.raw(0),
  };
}

/** @param isCbs `$cbs` answers in kebab case, `$management` in camel case */
export function encodeResponse(request: Request, response: Response, isCbs: boolean): Buffer {
  const out = new Writer();
  out.descriptor(PROPERTIES).list().null().null().null().null().null();
  if (request.messageId) out.encoded(request.messageId);
  else out.null();
  out.end().descriptor(APPLICATION_PROPERTIES).map();
  out.string(isCbs ? 'status-code' : 'statusCode').int(response.status);
  out.string(isCbs ? 'status-description' : 'statusDescription').string(response.description ?? 'OK');
  if (response.condition !== undefined)
    out.string(isCbs ? 'error-condition' : 'errorCondition').symbol(response.condition);
  out.end().descriptor(VALUE);
  response.write(out);
  return out.finish();
}

/** The value of a field of the request's body. @throws DecodeError if the body is no map */
export function field(request: Request, name: string): Value {
  const { body } = request;
  const map = body instanceof Described ? body.value : body;
  if (!(map instanceof Map)) throw new DecodeError(`${request.operation}: the body is not a map`);
  return map.get(name) ?? null;
}

/** A list of numbers. @throws DecodeError */
export function numbers(request: Request, name: string): number[] {
  const value = field(request, name);
  if (!Array.isArray(value)) throw new DecodeError(`${request.operation}: ${name} is not a list`);
  return value.map(Number);
}

/** A whole number. @throws DecodeError */
export function number(request: Request, name: string): number {
  const value = field(request, name);
  if (typeof value === 'number') return value;
  throw new DecodeError(`${request.operation}: ${name} is not a number`);
}

/** A string, or undefined if it is not there. */
export function text(request: Request, name: string): string | undefined {
  const value = field(request, name);
  return typeof value === 'string' ? value : undefined;
}

/** UUIDs in their text form. @throws DecodeError */
export function uuids(request: Request, name: string): string[] {
  const value = field(request, name);
  if (!Array.isArray(value)) throw new DecodeError(`${request.operation}: ${name} is not a list`);
  return value.map((item) => (Buffer.isBuffer(item) ? uuidText(item) : ''));
}

/** A UUID's 16 bytes as text. */
export function uuidText(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** A UUID's text as 16 bytes. */
export function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

/** A delivery tag: the lock token with its first three groups in little-endian order, as .NET writes a GUID. */
export function deliveryTag(uuid: string): Buffer {
  const bytes = uuidBytes(uuid);
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}
