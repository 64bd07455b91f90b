import { describe, expect, it } from 'vitest';
import { parseAnsi, plainText } from '../../../web/src/view/ansi.js';

const ESC = '\u001b';

describe('a log line', () => {
  it('without escapes is one plain run', () => {
    expect(parseAnsi('hello')).toEqual([{ text: 'hello', style: '' }]);
  });

  it('keeps colours and weights, and ends them where they end', () => {
    expect(parseAnsi(`${ESC}[32m✓${ESC}[0m ok ${ESC}[1;31mno${ESC}[22m more${ESC}[39m.`)).toEqual([
      { text: '✓', style: 'ansi-green' },
      { text: ' ok ', style: '' },
      { text: 'no', style: 'ansi-red ansi-bold' },
      { text: ' more', style: 'ansi-red' },
      { text: '.', style: '' },
    ]);
  });

  it('takes bright colours for their plain ones', () => {
    expect(parseAnsi(`${ESC}[96mx`)).toEqual([{ text: 'x', style: 'ansi-cyan' }]);
  });

  it('reads over 256 and true colours without taking their numbers for others', () => {
    expect(parseAnsi(`${ESC}[38;5;31mx${ESC}[38;2;31;32;4my`)).toEqual([
      { text: 'x', style: '' },
      { text: 'y', style: '' },
    ]);
  });

  it('drops what moves cursors, sets titles or links', () => {
    const line = `${ESC}[2K${ESC}[1Ga${ESC}]8;;https://example.org\u0007link${ESC}]8;;\u0007${ESC}]0;title${ESC}\\z`;
    expect(plainText(line)).toBe('alinkz');
  });
});
