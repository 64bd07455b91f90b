/**
 * Looks for credentials in what a run wants to publish: secretlint's recommended rules, and the forms that the product
 * blackens everywhere (shared/rules/secrets.ts, which also knows Azure's). What a comment in the text says about
 * secretlint counts for nothing: the text is an agent's.
 */
import { findSecrets } from '../../shared/rules/secrets.js';
import { MAX_OUTPUT_BYTES, OutputTooLargeError, type Git } from '../workspace/git.js';

/** Looked at in one go (characters), with so much of the end repeated at the beginning of the next piece. */
const PIECE_CHARS = 1024 * 1024;
const OVERLAP_CHARS = 8 * 1024;
/** Findings that are told: one is enough to stop a change. */
const MAX_FINDINGS = 20;

/** Loaded with the first change: a factory that waits holds no rules. */
async function linter() {
  const [{ lintSource }, { creator }] = await Promise.all([
    import('@secretlint/core'),
    import('@secretlint/secretlint-rule-preset-recommend'),
  ]);
  const config = {
    rules: [
      {
        id: '@secretlint/secretlint-rule-preset-recommend',
        rule: creator,
        rules: [{ id: '@secretlint/secretlint-rule-filter-comments', disabled: true }],
      },
    ],
  };
  return (filePath: string, content: string) =>
    lintSource({ source: { filePath, content, ext: '', contentType: 'text' }, options: { config } });
}

/** Nothing is published that was not looked through. */
export class ChangeTooLargeError extends Error {
  override readonly name = 'ChangeTooLargeError';

  constructor(cause: unknown) {
    super(
      `nothing was pushed, because the change adds more than ${MAX_OUTPUT_BYTES / 1024 / 1024} MB, which nobody looks through for credentials: put what is generated into .gitignore, keep it as an artifact, or split the job`,
      { cause },
    );
  }
}

/** Where something looks like a credential. */
export interface SecretFinding {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** What it looks like, for people. */
  readonly kind: string;
  /** The secret itself: for a redactor, never for a message. */
  readonly value: string;
}

/** Credentials in one text. */
export async function secretsInText(file: string, text: string): Promise<SecretFinding[]> {
  const lint = await linter();
  const found: SecretFinding[] = [];
  for (let from = 0; from < text.length && found.length < MAX_FINDINGS; from += PIECE_CHARS - OVERLAP_CHARS) {
    const content = text.slice(from, from + PIECE_CHARS);
    const { messages } = await lint(file, content);
    const places = [
      ...findSecrets(content),
      ...messages.map(({ ruleId, range: [start, end] }) => ({ kind: kindOf(ruleId), start, end })),
    ];
    for (const { kind, start, end } of places) {
      const line = text.slice(0, from + start).split('\n').length;
      if (found.some((one) => one.line === line)) continue;
      found.push({ file, line, kind, value: content.slice(start, end) });
    }
  }
  return found.slice(0, MAX_FINDINGS);
}

/** `@secretlint/secretlint-rule-database-connection-string` for people. */
const kindOf = (ruleId: string): string =>
  `a secret (${ruleId.split('secretlint-rule-').at(-1)?.replaceAll('-', ' ') ?? ruleId})`;

/**
 * Credentials in everything that a push would publish: each line that any commit adds, also where a later commit takes
 * it out again, and the commits' messages.
 * @throws GitError; ChangeTooLargeError
 */
export async function secretsInCommits(git: Git, base: string, commit: string): Promise<SecretFinding[]> {
  const log = [
    'log',
    '--patch',
    '--unified=0',
    '--text',
    '--no-color',
    '--no-ext-diff',
    '--no-textconv',
    '--no-renames',
    '--diff-merges=first-parent',
    '--format=+++ b/the message of %h%n@@ -0,0 +1 @@%n%w(0,1,1)%B',
    `${base}..${commit}`,
  ];
  const patch = await git.call(log).catch((error: unknown) => {
    throw error instanceof OutputTooLargeError ? new ChangeTooLargeError(error) : error;
  });
  const found: SecretFinding[] = [];
  for (const [file, added] of addedLines(patch)) {
    if (found.length >= MAX_FINDINGS) break;
    const inFile = await secretsInText(file, added.map(({ text }) => text).join('\n'));
    found.push(...inFile.map((one) => ({ ...one, line: added[one.line - 1]?.line ?? one.line })));
  }
  return found.slice(0, MAX_FINDINGS);
}

interface AddedLine {
  readonly line: number;
  readonly text: string;
}

/** By file. The line with a file's name is kept as a line of it: a name may hold a secret too. */
function addedLines(patch: string): Map<string, AddedLine[]> {
  const files = new Map<string, AddedLine[]>();
  let file = '';
  let line = 1;
  const add = (text: string): void => {
    const lines = files.get(file) ?? [];
    lines.push({ line, text });
    files.set(file, lines);
  };
  for (const row of patch.split('\n')) {
    const named = /^\+\+\+ (?:b\/)?(.+)$/.exec(row)?.[1];
    if (named !== undefined) {
      file = named;
      line = 1;
      add(named);
    } else if (row.startsWith('@@ ')) {
      line = Number(/\+(\d+)/.exec(row)?.[1] ?? 1);
    } else if (row.startsWith('+') || row.startsWith(' ')) {
      add(row.slice(1));
      line += 1;
    }
  }
  return files;
}

/** `a GitHub token in src/a.ts (line 3)`, and so on. */
export const describeFindings = (findings: readonly SecretFinding[]): string =>
  findings.map(({ kind, file, line }) => `${kind} in ${file} (line ${line})`).join(', ');
