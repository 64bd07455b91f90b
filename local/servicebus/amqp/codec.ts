// The AMQP 1.0 type system (part 1 of the standard), both ways. Written here rather than taken from a client
// library because a broker must outlive any bytes: every count is checked against what is left to read.

/** Deepest nesting of lists, maps and descriptors that is read; the protocol itself needs six. */
const MAX_DEPTH = 24;
const MIN_BUFFER_BYTES = 1_024;

export class DecodeError extends Error {}

/** A value with a descriptor, such as a performative or a message section. */
export class Described {
  readonly descriptor: Value;
  readonly value: Value;

  constructor(descriptor: Value, value: Value) {
    this.descriptor = descriptor;
    this.value = value;
  }
}

/** A decoded value. Symbols are strings, timestamps dates, UUIDs and binaries buffers, large integers bigints. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Buffer
  | Date
  | Described
  | Value[]
  | Map<Value, Value>;

/** Reads values from a buffer. Binaries are views, not copies. @throws DecodeError */
export class Reader {
  readonly buffer: Buffer;
  at: number;

  constructor(buffer: Buffer, at = 0) {
    this.buffer = buffer;
    this.at = at;
  }

  get more(): boolean {
    return this.at < this.buffer.length;
  }

  value(depth = 0): Value {
    return this.#value(this.byte(), depth);
  }

  /** Reads one value and returns its bytes. */
  raw(): Buffer {
    const from = this.at;
    this.value();
    return this.buffer.subarray(from, this.at);
  }

  string(): string {
    const value = this.value();
    if (typeof value === 'string') return value;
    throw new DecodeError('expected a string');
  }

  byte(): number {
    return this.buffer[this.#take(1)]!;
  }

  /** Reads the descriptor of a described value, such as 0x14 for a transfer; what it describes comes next. */
  descriptor(): number {
    if (this.byte() !== 0) throw new DecodeError('expected a described value');
    const code = this.value();
    if (typeof code !== 'number') throw new DecodeError('expected a numeric descriptor');
    return code;
  }

  /** Reads the head of a list or map; returns how many values follow. */
  count(): number {
    const code = this.byte();
    if (code === 0x45) return 0;
    const kind = code & 0xef;
    if (kind !== 0xc0 && kind !== 0xc1) throw new DecodeError('expected a list or a map');
    return this.#head(code < 0xd0).count;
  }

  /** Reads a map with string keys as the raw bytes of its values. */
  rawMap(): Map<string, Buffer> {
    const entries = new Map<string, Buffer>();
    for (let left = this.count(); left > 1; left -= 2) entries.set(this.string(), this.raw());
    return entries;
  }

  #take(bytes: number): number {
    const from = this.at;
    this.at += bytes;
    if (this.at > this.buffer.length) throw new DecodeError('a value is cut short');
    return from;
  }

  #head(isShort: boolean): { count: number; end: number } {
    const size = isShort ? this.byte() : this.buffer.readUInt32BE(this.#take(4));
    const end = this.at + size;
    const count = isShort ? this.byte() : this.buffer.readUInt32BE(this.#take(4));
    // Each value takes a byte at least: a count beyond that is a lie that would eat all memory.
    if (end > this.buffer.length || count > size) throw new DecodeError('a count exceeds its bytes');
    return { count, end };
  }

  #bytes(length: number): Buffer {
    const from = this.#take(length);
    return this.buffer.subarray(from, this.at);
  }

  #value(code: number, depth: number): Value {
    if (depth > MAX_DEPTH) throw new DecodeError('values are nested too deep');
    const { buffer } = this;
    switch (code) {
      case 0x00:
        return new Described(this.value(depth + 1), this.value(depth + 1));
      case 0x40:
        return null;
      case 0x41:
        return true;
      case 0x42:
        return false;
      case 0x56:
        return this.byte() !== 0;
      case 0x43:
      case 0x44:
        return 0;
      case 0x50:
      case 0x52:
      case 0x53:
        return this.byte();
      case 0x51:
      case 0x54:
      case 0x55:
        return buffer.readInt8(this.#take(1));
      case 0x60:
        return buffer.readUInt16BE(this.#take(2));
      case 0x61:
        return buffer.readInt16BE(this.#take(2));
      case 0x70:
      case 0x73:
        return buffer.readUInt32BE(this.#take(4));
      case 0x71:
        return buffer.readInt32BE(this.#take(4));
      case 0x72:
        return buffer.readFloatBE(this.#take(4));
      case 0x82:
        return buffer.readDoubleBE(this.#take(8));
      case 0x80:
        return narrow(buffer.readBigUInt64BE(this.#take(8)));
      case 0x81:
        return narrow(buffer.readBigInt64BE(this.#take(8)));
      case 0x83:
        return new Date(Number(buffer.readBigInt64BE(this.#take(8))));
      case 0x74:
        return this.#bytes(4);
      case 0x84:
        return this.#bytes(8);
      case 0x94:
      case 0x98:
        return this.#bytes(16);
      case 0xa0:
        return this.#bytes(this.byte());
      case 0xb0:
        return this.#bytes(buffer.readUInt32BE(this.#take(4)));
      case 0xa1:
        return this.#bytes(this.byte()).toString('utf8');
      case 0xb1:
        return this.#bytes(buffer.readUInt32BE(this.#take(4))).toString('utf8');
      case 0xa3:
        return this.#bytes(this.byte()).toString('latin1');
      case 0xb3:
        return this.#bytes(buffer.readUInt32BE(this.#take(4))).toString('latin1');
      case 0x45:
        return [];
      case 0xc0:
      case 0xd0:
        return this.#list(code === 0xc0, depth);
      case 0xc1:
      case 0xd1: {
        const items = this.#list(code === 0xc1, depth);
        const map = new Map<Value, Value>();
        for (let at = 0; at + 1 < items.length; at += 2) map.set(items[at]!, items[at + 1]!);
        return map;
      }
      case 0xe0:
      case 0xf0: {
        const { count } = this.#head(code === 0xe0);
        const element = this.byte();
        return Array.from({ length: count }, () => this.#value(element, depth + 1));
      }
      default:
        throw new DecodeError(`0x${code.toString(16)} is no type of AMQP`);
    }
  }

  #list(isShort: boolean, depth: number): Value[] {
    const { count, end } = this.#head(isShort);
    const items: Value[] = [];
    for (let at = 0; at < count; at++) items.push(this.value(depth + 1));
    if (this.at > end) throw new DecodeError('a list exceeds its size');
    this.at = end;
    return items;
  }
}

function narrow(value: bigint): number | bigint {
  return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER ? Number(value) : value;
}

/**
 * Writes values into one growing buffer. A list or map is opened and closed around its values, which are counted
 * on the way: `w.list(); w.uint(1); w.end()`.
 */
export class Writer {
  #buffer: Buffer;
  #at = 0;
  #count = 0;
  readonly #open: { at: number; count: number }[] = [];

  /** @param bytes expected length; a good guess saves copies */
  constructor(bytes = MIN_BUFFER_BYTES) {
    this.#buffer = Buffer.allocUnsafe(bytes);
  }

  get length(): number {
    return this.#at;
  }

  /** The bytes written so far; the writer starts anew, in a buffer of its own that fits as much again. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#at);
    this.#buffer = Buffer.allocUnsafe(Math.max(MIN_BUFFER_BYTES, this.#at));
    this.#at = 0;
    return taken;
  }

  /** The bytes written; the writer is done. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  null(): this {
    return this.#code(0x40);
  }

  boolean(value: boolean): this {
    return this.#code(value ? 0x41 : 0x42);
  }

  ubyte(value: number): this {
    return this.#code(0x50).#byte(value);
  }

  ushort(value: number): this {
    this.#code(0x60).#reserve(2);
    this.#at = this.#buffer.writeUInt16BE(value, this.#at);
    return this;
  }

  uint(value: number): this {
    if (value === 0) return this.#code(0x43);
    return value < 256 ? this.#code(0x52).#byte(value) : this.#code(0x70).uint32(value);
  }

  int(value: number): this {
    this.#code(0x71).#reserve(4);
    this.#at = this.#buffer.writeInt32BE(value, this.#at);
    return this;
  }

  ulong(value: number): this {
    return value < 256 ? this.#code(0x53).#byte(value) : this.#code(0x80).#int64(BigInt(value));
  }

  long(value: number | bigint): this {
    return this.#code(0x81).#int64(BigInt(value));
  }

  /** @param value ms since the epoch */
  timestamp(value: number): this {
    return this.#code(0x83).#int64(BigInt(Math.trunc(value)));
  }

  uuid(value: Uint8Array): this {
    return this.#code(0x98).bytes(value);
  }

  string(value: string): this {
    return this.#text(0xa1, value, 'utf8');
  }

  symbol(value: string): this {
    return this.#text(0xa3, value, 'latin1');
  }

  binary(value: Uint8Array): this {
    if (value.length < 256) return this.#code(0xa0).#byte(value.length).bytes(value);
    return this.#code(0xb0).uint32(value.length).bytes(value);
  }

  /** Starts the described value that comes next. */
  descriptor(code: number): this {
    const count = this.#count;
    this.#byte(0).ulong(code);
    this.#count = count;
    return this;
  }

  list(): this {
    return this.#begin(0xd0);
  }

  map(): this {
    return this.#begin(0xd1);
  }

  end(): this {
    const { at, count } = this.#open.pop()!;
    this.#buffer.writeUInt32BE(this.#at - at - 4, at);
    this.#buffer.writeUInt32BE(this.#count, at + 4);
    this.#count = count;
    return this;
  }

  /** An array of fixed-width elements: 0x81 long, 0x83 timestamp, 0x98 UUID. */
  array(code: number, elements: readonly Uint8Array[]): this {
    const size = elements.reduce((sum, element) => sum + element.length, 5);
    this.#code(0xf0).uint32(size).uint32(elements.length).#byte(code);
    for (const element of elements) this.bytes(element);
    return this;
  }

  /** One value that is encoded already. */
  encoded(value: Uint8Array): this {
    this.#count++;
    return this.bytes(value);
  }

  /** Raw bytes, counted as no value. */
  bytes(value: Uint8Array): this {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
    return this;
  }

  uint32(value: number): this {
    this.#reserve(4);
    this.#at = this.#buffer.writeUInt32BE(value, this.#at);
    return this;
  }

  /** Overwrites four bytes written before. */
  patchUint32(value: number, at: number): void {
    this.#buffer.writeUInt32BE(value, at);
  }

  #begin(code: number): this {
    this.#code(code);
    this.#open.push({ at: this.#at, count: this.#count });
    this.#count = 0;
    return this.uint32(0).uint32(0);
  }

  #code(code: number): this {
    this.#count++;
    return this.#byte(code);
  }

  #byte(value: number): this {
    this.#reserve(1);
    this.#buffer[this.#at++] = value;
    return this;
  }

  #int64(value: bigint): this {
    this.#reserve(8);
    this.#at = this.#buffer.writeBigInt64BE(value, this.#at);
    return this;
  }

  #text(code: number, value: string, encoding: 'utf8' | 'latin1'): this {
    const length = Buffer.byteLength(value, encoding);
    if (length < 256) this.#code(code).#byte(length);
    else this.#code(code + 0x10).uint32(length);
    this.#reserve(length);
    this.#at += this.#buffer.write(value, this.#at, length, encoding);
    return this;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes));
    grown.set(this.#buffer.subarray(0, this.#at));
    this.#buffer = grown;
  }
}

/** A long as eight bytes, for `Writer.array`. */
export function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(Math.trunc(value)));
  return bytes;
}
