import { DecodeError, Described, type Reader, type Value } from './reader.js';
import { type Writer } from './writer.js';

/** Descriptors of the performatives (part 2.7) and outcomes (part 3.4). */
export const OPEN = 0x10;
export const BEGIN = 0x11;
export const ATTACH = 0x12;
export const FLOW = 0x13;
export const TRANSFER = 0x14;
export const DISPOSITION = 0x15;
export const DETACH = 0x16;
export const END = 0x17;
export const CLOSE = 0x18;
export const ACCEPTED = 0x24;
export const REJECTED = 0x25;
export const RELEASED = 0x26;
export const MODIFIED = 0x27;
export const SOURCE = 0x28;
const ERROR = 0x1d;

/** The fields of a performative by position, with typed access; each says what it wanted if it got another. */
export class Fields {
  readonly #values: readonly Value[];
  readonly #raws: readonly Buffer[];

  /** Reads a list. @param keepRaw also keeps the bytes of each field, for `raw` */
  constructor(reader: Reader, keepRaw = false) {
    const values: Value[] = [];
    const raws: Buffer[] = [];
    for (let left = reader.count(); left > 0; left--) {
      const from = reader.at;
      values.push(reader.value());
      if (keepRaw) raws.push(reader.buffer.subarray(from, reader.at));
    }
    this.#values = values;
    this.#raws = raws;
  }

  value(at: number): Value {
    return this.#values[at] ?? null;
  }

  raw(at: number): Buffer | undefined {
    return this.value(at) === null ? undefined : this.#raws[at];
  }

  number(at: number): number {
    return this.optionalNumber(at) ?? this.#refuse(at, 'a number');
  }

  optionalNumber(at: number): number | undefined {
    const value = this.value(at);
    if (value === null) return undefined;
    return typeof value === 'number' ? value : this.#refuse(at, 'a number');
  }

  string(at: number): string | undefined {
    const value = this.value(at);
    if (value === null) return undefined;
    return typeof value === 'string' ? value : this.#refuse(at, 'a string');
  }

  flag(at: number): boolean {
    return this.value(at) === true;
  }

  binary(at: number): Buffer | undefined {
    const value = this.value(at);
    if (value === null) return undefined;
    return Buffer.isBuffer(value) ? value : this.#refuse(at, 'a binary');
  }

  map(at: number): Map<Value, Value> {
    const value = this.value(at);
    return value instanceof Map ? value : new Map();
  }

  /** The fields of a described list, such as a source or a target. */
  nested(at: number): readonly Value[] | undefined {
    const value = this.value(at);
    if (!(value instanceof Described)) return undefined;
    return Array.isArray(value.value) ? value.value : undefined;
  }

  #refuse(at: number, wanted: string): never {
    throw new DecodeError(`field ${at} of a list is not ${wanted}`);
  }
}

/** What an error is told with: the fields that AMQP has for it. */
export interface ErrorFields {
  readonly condition: string;
  readonly message: string;
}

export function writeError(writer: Writer, error: ErrorFields | undefined): void {
  if (!error) writer.null();
  else writer.descriptor(ERROR).list().symbol(error.condition).string(error.message).null().end();
}
