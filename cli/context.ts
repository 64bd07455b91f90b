// What every command has at hand: the API, the output, and how it was called.
import type { Command } from 'commander';
import { createClient, type Client } from '../shared/client.js';
import { AppError } from '../shared/errors.js';
import { findConnection, type Connection } from './connection.js';
import type { Io } from './io.js';
import { painter, type Paint } from './text.js';

/** Options that every command takes. */
export interface GlobalFlags {
  json?: boolean;
  connection?: string;
}

export class Context {
  readonly io: Io;
  /** Stdout holds JSON and nothing else. */
  readonly json: boolean;
  readonly paint: Paint;
  readonly #connectionFile: string | undefined;
  #connection: Promise<Connection> | undefined;

  constructor(io: Io, flags: GlobalFlags) {
    this.io = io;
    this.json = flags.json ?? false;
    this.paint = painter(io.stdout, io.env);
    this.#connectionFile = flags.connection;
  }

  connection(): Promise<Connection> {
    this.#connection ??= findConnection(this.io, this.#connectionFile);
    return this.#connection;
  }

  /** @throws AppError when there is no connection, or its token cannot be had */
  async client(): Promise<Client> {
    const { apiUrl, token } = await this.connection();
    // A refused credential is told as such, not as an API that is away.
    await token();
    return createClient({ baseUrl: apiUrl, token, fetch: this.io.fetch });
  }

  /** @param named on the command line @throws AppError when neither it nor the connection names one */
  async product(named: string | undefined): Promise<string> {
    const product = named ?? (await this.connection()).product;
    if (product !== undefined) return product;
    throw new AppError(
      'invalid-request',
      'Which product? Name it with --product, or set GIGAFACTORY_PRODUCT.',
    );
  }

  /** The command's answer: `value` for programs, `text` for people. */
  answer(value: unknown, text: () => string): void {
    this.say(this.json ? JSON.stringify(value, undefined, this.io.stdout.isTTY ? 2 : undefined) : text());
  }

  say(text: string): void {
    this.io.stdout.write(`${text}\n`);
  }

  /** What to know beside the answer, on standard error: a sentence, or for programs a line of JSON. */
  warn(text: string, facts: object): void {
    const told = this.json
      ? JSON.stringify({ warning: { message: text, ...facts } })
      : painter(this.io.stderr, this.io.env)('yellow', text);
    this.io.stderr.write(`${told}\n`);
  }

  /** For people who wait; programs that asked for JSON do not see it. */
  progress(text: string): void {
    if (!this.json) this.say(text);
  }
}

/** Wraps a command's action: commander calls it with the arguments, the options, and itself. */
export function action<Arguments extends unknown[], Flags>(
  io: Io,
  run: (context: Context, flags: Flags, ...args: Arguments) => Promise<void>,
): (...args: unknown[]) => Promise<void> {
  return async (...args) => {
    const command = args.at(-1) as Command;
    const flags = command.optsWithGlobals<Flags & GlobalFlags>();
    await run(new Context(io, flags), flags, ...(args.slice(0, -2) as Arguments));
  };
}
