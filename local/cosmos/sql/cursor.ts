// The reading head over a query's tokens.
import { syntaxError, tokenize, type Token } from './tokens.js';

/** Words of the service's SQL that this one lacks. */
const ABSENT = ['JOIN', 'EXISTS', 'LIKE', 'HAVING'];
const RESERVED = new Set(
  (
    'SELECT DISTINCT TOP VALUE FROM AS WHERE GROUP ORDER BY OFFSET LIMIT AND OR NOT IN BETWEEN ASC DESC ' +
    'TRUE FALSE NULL UNDEFINED'
  )
    .split(' ')
    .concat(ABSENT),
);

export class Cursor {
  protected readonly source: string;
  protected readonly tokens: readonly Token[];
  /** Index of the next token. */
  protected at = 0;

  constructor(source: string) {
    this.source = source;
    this.tokens = tokenize(source);
  }

  protected get token(): Token {
    return this.tokens[this.at]!;
  }

  /** Where the last token read ends. */
  protected get end(): number {
    return this.tokens[this.at - 1]?.end ?? 0;
  }

  protected fail(message: string, { start } = this.token): never {
    throw syntaxError(message, this.source, start);
  }

  /** A token as keyword or symbol, in upper case. */
  protected word(token = this.token): string {
    return token.kind === 'name' || token.kind === 'symbol' ? token.text.toUpperCase() : '';
  }

  protected is(word: string): boolean {
    return this.word() === word;
  }

  protected accept(word: string): boolean {
    if (!this.is(word)) return false;
    this.at++;
    return true;
  }

  protected expect(word: string): void {
    if (!this.accept(word)) this.unexpected(`'${word}'`);
  }

  protected unexpected(wanted: string): never {
    const word = this.word();
    if (ABSENT.includes(word)) this.fail(`the embedded cloud has no ${word}`);
    this.fail(`expected ${wanted} near '${this.token.text}'`);
  }

  /** Whether a token is a name of the author's choice. */
  protected isName(token: Token | undefined = this.token): boolean {
    return token?.kind === 'name' && !RESERVED.has(this.word(token));
  }

  protected name(wanted: string): string {
    if (!this.isName()) this.unexpected(wanted);
    const { text } = this.token;
    this.at++;
    return text;
  }
}
