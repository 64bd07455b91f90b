const MIN_BUFFER_BYTES = 1_024;

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
