import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lineDiff, nearChanges } from '../../../web/src/view/lineDiff.js';

const shown = (before: string, after: string): string[] =>
  lineDiff(before, after).map(({ kind, text }) => `${{ same: ' ', gone: '-', new: '+' }[kind]}${text}`);

describe('what changed between two texts', () => {
  it('is told line by line, what went before what came', () => {
    expect(shown('a\nb\nc', 'a\nx\nc\nd')).toEqual([' a', '-b', '+x', ' c', '+d']);
    expect(shown('a', 'a')).toEqual([' a']);
  });

  it('is shown with two lines around it, and cuts in between', () => {
    const before = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const lines = nearChanges(lineDiff(before.join('\n'), before.with(4, 'X').join('\n')));
    expect(lines.map(({ text }) => text)).toEqual(['…', 'c', 'd', 'e', 'X', 'f', 'g', '…']);
    expect(nearChanges(lineDiff('a\nb', 'a\nb'))).toEqual([{ kind: 'cut', text: '…' }]);
  });

  it('gives both texts back, whatever they are', () => {
    const texts = fc.array(fc.constantFrom('a', 'b', 'c', ''), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(texts, texts, (before, after) => {
        const lines = lineDiff(before.join('\n'), after.join('\n'));
        const without = (kind: 'gone' | 'new'): string[] =>
          lines.filter((line) => line.kind !== kind).map(({ text }) => text);
        expect(without('new')).toEqual(before);
        expect(without('gone')).toEqual(after);
      }),
    );
  });
});
