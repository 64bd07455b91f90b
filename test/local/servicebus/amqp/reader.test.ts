import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DecodeError, Described, Reader } from '../../../../local/servicebus/amqp/reader.js';
import { Writer } from '../../../../local/servicebus/amqp/writer.js';

const decode = (bytes: readonly number[]): unknown => new Reader(Buffer.from(bytes)).value();

function refusalOf(bytes: Uint8Array): unknown {
  try {
    new Reader(Buffer.from(bytes)).value();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('AMQP values', () => {
  it.each([
    ['null', [0x40], null],
    ['booleans', [0x56, 0x01], true],
    ['a small unsigned', [0x52, 0xff], 255],
    ['a negative byte', [0x51, 0xff], -1],
    ['a short', [0x61, 0xff, 0xfe], -2],
    ['an int', [0x71, 0xff, 0xff, 0xff, 0xfd], -3],
    ['a long beyond the safe integers', [0x81, 0x7f, ...Array<number>(7).fill(0xff)], 2n ** 63n - 1n],
    ['a double', [0x82, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0], 1.5],
    ['a timestamp', [0x83, 0, 0, 0, 0, 0, 0, 0, 5], new Date(5)],
    ['a string', [0xa1, 2, 0xc3, 0xa9], 'é'],
    ['a symbol', [0xa3, 1, 0x61], 'a'],
    ['an array of symbols', [0xe0, 6, 2, 0xa3, 1, 0x61, 1, 0x62], ['a', 'b']],
    ['an empty list', [0x45], []],
    ['a nested list', [0xc0, 4, 2, 0x41, 0x45, 0x40], [true, []]],
    ['a map', [0xc1, 6, 2, 0xa1, 1, 0x61, 0x52, 7], new Map([['a', 7]])],
    ['a described value', [0x00, 0x53, 0x24, 0x45], new Described(0x24, [])],
  ])('reads %s', (_what, bytes, value) => {
    expect(decode(bytes)).toEqual(value);
  });

  it.each([
    ['a value that is cut short', [0x70, 0, 0]],
    ['an unknown type', [0x99]],
    ['a list that says it has more than its bytes', [0xd0, 0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff]],
    ['an array of a billion nothings', [0xf0, 0, 0, 0, 5, 0x3b, 0x9a, 0xca, 0x00, 0x40]],
    ['a list whose items run over its end', [0xc0, 2, 1, 0x70, 0, 0, 0, 1]],
    ['a string longer than what is left', [0xb1, 0xff, 0xff, 0xff, 0xff, 0x61]],
    ['a hundred descriptors, one in the other', Array<number>(100).fill(0)],
    ['nothing', []],
  ])('refuses %s', (_what, bytes) => {
    expect(() => decode(bytes)).toThrow(DecodeError);
  });

  it('reads back what it writes', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.uint8Array({ maxLength: 600 }),
        fc.integer({ min: 0, max: 0xffff_ffff }),
        fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
        fc.maxSafeInteger(),
        fc.boolean(),
        (text, bytes, uint, int, long, flag) => {
          const out = new Writer().list().string(text).binary(bytes).uint(uint).int(int).long(long);
          out.boolean(flag).map().symbol('k').timestamp(7).end().null().ulong(uint).ushort(9).ubyte(1).end();
          const read = new Reader(out.take()).value();
          const map = new Map([['k', new Date(7)]]);
          expect(read).toEqual([text, Buffer.from(bytes), uint, int, long, flag, map, null, uint, 9, 1]);
        },
      ),
    );
  });

  it('never does worse than refuse, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60, size: 'max' }), (bytes) => {
        const refusal = refusalOf(bytes);
        expect(refusal === undefined || refusal instanceof DecodeError).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });
});
