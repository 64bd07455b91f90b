// Reads the AMQP 1.0 type system (part 1 of the standard). Written here rather than taken from a client
// library because a broker must outlive any bytes: every count is checked against what is left to read.

/** Deepest nesting of lists, maps and descriptors that is read; the protocol itself needs six. */
const MAX_DEPTH = 24;

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
