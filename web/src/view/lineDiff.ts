/** Which lines of a text went and which came: for texts of a page or two. */

export interface DiffLine {
  readonly kind: 'same' | 'gone' | 'new';
  readonly text: string;
}

const CUT = { kind: 'cut', text: '…' } as const;
export type ShownLine = DiffLine | typeof CUT;

/** Lines that stayed are shown so far around a change. */
const CONTEXT = 2;

/** Only what is near a change; a cut is a line of its own. */
export function nearChanges(lines: readonly DiffLine[]): ShownLine[] {
  const isNear = lines.map((_, at) =>
    lines.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(({ kind }) => kind !== 'same'),
  );
  return lines.flatMap((line, at): ShownLine[] => {
    if (isNear[at]) return [line];
    return at === 0 || isNear[at - 1] ? [CUT] : [];
  });
}

/** The longest lines in common stay; what is left is gone or new, the gone ones first. */
export function lineDiff(before: string, after: string): DiffLine[] {
  const [old, now] = [before.split('\n'), after.split('\n')];
  // common[i][j]: how many lines old[i..] and now[j..] have in common, in this order.
  const common = old.map(() => new Uint16Array(now.length + 1));
  common.push(new Uint16Array(now.length + 1));
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0;
  for (let i = old.length - 1; i >= 0; i--)
    for (let j = now.length - 1; j >= 0; j--) {
      const row = common[i];
      if (row) row[j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    const [left, right] = [old[i], now[j]];
    if (left !== undefined && left === right) {
      lines.push({ kind: 'same', text: left });
      i += 1;
      j += 1;
    } else if (left !== undefined && (right === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ kind: 'gone', text: left });
      i += 1;
    } else {
      lines.push({ kind: 'new', text: right ?? '' });
      j += 1;
    }
  }
  return lines;
}
