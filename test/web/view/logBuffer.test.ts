import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  appendLog,
  EMPTY_LOG,
  findInLog,
  LINES_PER_BLOCK,
  logText,
  shownLine,
  type LogBuffer,
} from '../../../web/src/view/logBuffer.js';

const lines = (log: LogBuffer): string[] => log.blocks.flatMap((block) => block.lines.map(shownLine));
const filled = (...chunks: string[]): LogBuffer =>
  chunks.reduce((log, chunk) => appendLog(log, chunk), EMPTY_LOG);

describe('the log', () => {
  it('puts a line together that came in pieces', () => {
    const log = filled('one\ntw', 'o', '\nthree');
    expect(lines(log)).toEqual(['one', 'two', 'three']);
    expect(log).toMatchObject({ total: 3, open: true });
  });

  it('is the same however the text was cut', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n', '\r'), maxLength: 80 });
    fc.assert(
      fc.property(text, fc.array(fc.nat(80), { maxLength: 6 }), (whole, cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), whole.length];
        const chunks = places.slice(1).map((end, index) => whole.slice(places[index], end));
        expect(lines(filled(...chunks))).toEqual(lines(filled(whole)));
      }),
    );
  });

  it('lets a progress bar overwrite its line, also while it is not ended', () => {
    expect(lines(filled('10 %\r', '50 %\r', '100 %'))).toEqual(['100 %']);
    expect(lines(filled('10 %\r100 %\r\nnext\r\n'))).toEqual(['100 %', 'next']);
  });

  it('keeps blocks that are full as they are', () => {
    const first = filled('x\n'.repeat(LINES_PER_BLOCK + 5));
    const second = appendLog(first, 'more\n');
    expect(second.blocks).toHaveLength(2);
    expect(second.blocks[0]).toBe(first.blocks[0]);
    expect(second.blocks[1]).toMatchObject({ first: LINES_PER_BLOCK });
  });

  it('drops whole blocks at the front beyond its limit, and still numbers lines from the beginning', () => {
    const limit = 2 * LINES_PER_BLOCK;
    let log = EMPTY_LOG;
    for (let index = 0; index < 5 * LINES_PER_BLOCK; index += 1)
      log = appendLog(log, `line ${index}\n`, limit);
    expect(log.total).toBe(5 * LINES_PER_BLOCK);
    expect(log.dropped).toBe(3 * LINES_PER_BLOCK);
    expect(log.blocks[0]).toMatchObject({ first: log.dropped });
    expect(log.blocks[0]?.lines[0]).toBe(`line ${log.dropped}`);
  });

  it('is found by what is seen of it, whatever the case', () => {
    const log = filled('ok\n\u001b[31mErr\u001b[0mor: none\nerror again\n');
    expect(findInLog(log, 'ERROR')).toEqual([1, 2]);
    expect(findInLog(log, '')).toEqual([]);
  });

  it('is copied without its colours', () => {
    expect(logText(filled('\u001b[1mbold\u001b[0m\nplain'))).toBe('bold\nplain');
  });
});
