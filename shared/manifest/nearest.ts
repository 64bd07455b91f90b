/** The valid name that somebody most likely meant. */

/** One slip for every three letters, at least one: more would guess. */
const LETTERS_PER_SLIP = 3;

/** Lower case without separators: `baseBranch`, `base_branch` and `base-branch` are the same word. */
const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** Edits (insert, delete, replace, swap of neighbours) from one text to the other. */
function distance(one: string, other: string): number {
  let before: number[] = [];
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      const swapped =
        i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]
          ? (before[j - 2] ?? 0) + 1
          : Number.POSITIVE_INFINITY;
      next[j] = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced, swapped);
    }
    before = row;
    row = next;
  }
  return row[other.length] ?? 0;
}

/**
 * The valid name nearest to what was written, or undefined when none is near.
 * @param synonyms other words → valid names; followed only to names among the valid ones
 */
export function nearestName(
  written: string,
  valid: readonly string[],
  synonyms: Readonly<Record<string, string>> = {},
): string | undefined {
  const word = plain(written);
  // Long texts are not typos of short names; comparing them would cost without helping anybody.
  if (word === '' || word.length > 40) return undefined;
  const exact = valid.find((name) => plain(name) === word);
  if (exact !== undefined) return exact;
  const synonym = Object.entries(synonyms).find(([name]) => plain(name) === word)?.[1];
  if (synonym !== undefined && valid.includes(synonym)) return synonym;
  const [best] = valid
    .map((name) => ({ name, edits: distance(word, plain(name)) }))
    .filter(({ name, edits }) => edits <= Math.max(1, Math.floor(plain(name).length / LETTERS_PER_SLIP)))
    .sort((a, b) => a.edits - b.edits);
  return best?.name;
}
