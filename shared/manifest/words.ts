/** What a schema expected, in our own words: zod's tell of types, these of what to write. */
import type { z } from 'zod';

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of fields',
  record: 'a map of fields',
};

/** Completes "expected …". */
export function expectedBy(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return KINDS[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return issue.origin === 'string' && issue.minimum === 1
        ? 'a text that is not empty'
        : `at least ${amountOf(issue.origin, issue.minimum)}`;
    case 'too_big':
      return `at most ${amountOf(issue.origin, issue.maximum)}`;
    case 'invalid_union': {
      const meant = issue.errors.flat().map(expectedBy);
      return [...new Set(meant)].join(', or ') || 'another shape';
    }
    default:
      // Messages of our own schemas begin with "expected".
      return issue.message.replace(/^expected /, '');
  }
}

const NOUNS: Readonly<Record<string, string>> = { string: 'characters', array: 'entries' };

const amountOf = (origin: string, amount: number | bigint): string =>
  `${amount} ${NOUNS[origin] ?? ''}`.trimEnd();
