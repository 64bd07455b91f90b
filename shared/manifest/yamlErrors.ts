/** What is wrong with a YAML text, for people who write job files: the parser's words tell of its grammar. */
import type { YAMLError } from 'yaml';

/** What is wrong, and where: an offset into the text. */
export interface YamlComplaint {
  path: string;
  message: string;
  expected?: string;
  offset: number;
}

const WORDS: Partial<Record<YAMLError['code'], readonly [message: string, expected: string]>> = {
  BAD_INDENT: ['the indentation is wrong here', 'the same indentation for fields that belong together'],
  TAB_AS_INDENT: ['a tab stands in the indentation', 'blanks'],
  MISSING_CHAR: [
    'something that was opened is not closed, or a colon is missing',
    '"…", […], {…} or name: value',
  ],
  MULTILINE_IMPLICIT_KEY: [
    'a field name goes over several lines',
    'name: value on one line, long texts below name: |',
  ],
  BLOCK_AS_IMPLICIT_KEY: [
    'a second colon stands in a value',
    'quotes around a value with a colon: title: "a: b"',
  ],
  BLOCK_IN_FLOW: ['a field of several lines stands within […] or {…}', 'one of the two ways of writing it'],
  BAD_SCALAR_START: ['a value begins with a character that YAML reserves', 'quotes around it'],
  BAD_DQ_ESCAPE: [
    'a backslash within "…" means nothing here',
    "\\\\ for a backslash, or '…' around the text",
  ],
  UNEXPECTED_TOKEN: ['something stands here that does not belong', 'name: value on each line'],
  BAD_ALIAS: ['an alias has no name', 'quotes around a value that begins with *'],
  TAG_RESOLVE_FAILED: ['a tag is not known here', 'quotes around a value that begins with !'],
  KEY_OVER_1024_CHARS: ['a field name is endless', 'name: value'],
  MULTIPLE_DOCS: ['a second document begins here', 'one document'],
};

/** @param error as the parser tells it */
export function complaintOf({ code, message, pos }: YAMLError): YamlComplaint {
  // An open bracket is told as the indentation of what comes after it.
  const isOpen = code === 'BAD_INDENT' && message.startsWith('Flow ');
  const [words, expected] = WORDS[isOpen ? 'MISSING_CHAR' : code] ?? [
    `it cannot be read as YAML (${message.split('\n')[0]})`,
    undefined,
  ];
  return { path: '', message: words, ...(expected !== undefined && { expected }), offset: pos[0] };
}
