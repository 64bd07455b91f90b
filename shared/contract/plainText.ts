/** Text that can be stored, shown and handed to a program: no control characters, no halves of a character. */
import { z } from 'zod';

/** Nothing of these has a meaning within one line. */
const NOT_IN_A_LINE = /[\p{Cc}\p{Cs}]/u;
/**
 * NUL ends an argument of a program early, and half of a surrogate pair has no UTF-8. The rest stays: prompts hold
 * pasted logs, and those hold tabs, carriage returns and colours.
 */
const NOT_IN_A_TEXT = /[\0\p{Cs}]/u;

/** One line: a title, a name, a path. */
export const line = (): z.ZodString => without(NOT_IN_A_LINE);
/** Several lines: a prompt, a script. */
export const text = (): z.ZodString => without(NOT_IN_A_TEXT);

const without = (refused: RegExp): z.ZodString =>
  z.string().refine((value) => !refused.test(value), {
    error: ({ input }) => complaint(String(input), refused),
    // The message is better than what is said of the field in general.
    params: { precise: true },
  });

function complaint(value: string, refused: RegExp): string {
  const at = value.search(refused);
  const code = value.charCodeAt(at);
  const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  const what = code >= 0xd800 ? `${name}, half of a character` : `the control character ${name}`;
  return `text without ${what} (character ${at + 1})`;
}
