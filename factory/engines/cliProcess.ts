/** One process of a coding-agent CLI: its lines become facts, the facts fill log and meter, and ceilings end it. */
import { open } from 'node:fs/promises';
import { runChild, SpawnError, type ChildEnd } from '../processes/child.js';
import { Tail } from '../runs/tail.js';
import type { CliAdapter, CliCall } from './cli.js';
import { Ceilings } from './ceilings.js';
import type { Ceiling, EngineRequest } from './engine.js';
import { troubleOf, type Fact, type Trouble } from './facts.js';
import { LineSplitter, parseEvent } from './lines.js';
import type { Meter } from './meter.js';
import { SideFile } from './sideFile.js';
import { logLine } from './transcript.js';

/** How much of what is no event a failure's message quotes. */
const MESSAGE_LINES = 15;
const MESSAGE_BYTES = 3000;

export interface CliProcess {
  readonly adapter: CliAdapter;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Becomes its standard input. */
  readonly promptFile: string;
  readonly session: CliCall['session'];
  readonly request: EngineRequest;
  readonly meter: Meter;
  readonly stallSeconds: number;
  readonly wallSeconds: number;
}

export type ProcessEnd =
  | { readonly kind: 'completed' }
  | {
      readonly kind: 'failed';
      readonly exitCode: number | null;
      readonly message: string;
      readonly trouble: Trouble;
      /** The session that could be resumed, if it told one. */
      readonly session: string | undefined;
    }
  | { readonly kind: 'ended'; readonly ceiling: Ceiling; readonly message: string }
  | { readonly kind: 'aborted' };

/** Runs one process to its end. @param onStart called when it is there */
export async function runCliProcess(
  spec: CliProcess,
  onStart: () => void,
  signal: AbortSignal,
): Promise<ProcessEnd> {
  const reading = new Reading(spec);
  const { request } = spec;
  const prompt = await open(spec.promptFile, 'r');
  try {
    const running = runChild(
      {
        command: spec.program,
        args: spec.args,
        cwd: request.worktree,
        env: spec.env,
        stdin: prompt.fd,
        timeoutMs: Math.max(1, spec.wallSeconds * 1000),
        run: request.run,
        folders: [request.worktree, request.scratch],
        // What it said until its end tells what it used.
        keepOutput: true,
        onOutput: (chunk, stream) => reading.take(chunk, stream),
      },
      AbortSignal.any([signal, reading.ceilings.signal]),
    );
    onStart();
    const end = await running;
    await reading.end();
    return signal.aborted ? { kind: 'aborted' } : reading.verdict(end);
  } catch (error) {
    if (!(error instanceof SpawnError)) throw error;
    return { kind: 'failed', exitCode: null, message: error.message, trouble: 'other', session: undefined };
  } finally {
    reading.close();
    await prompt.close();
  }
}

class Reading {
  readonly ceilings: Ceilings;
  private readonly spec: CliProcess;
  private readonly lines = new LineSplitter();
  private readonly tail = new Tail(MESSAGE_BYTES);
  private readonly side: SideFile | undefined;
  private sessionId: string | undefined;
  private done = false;
  private failure: Extract<Fact, { kind: 'failure' }> | undefined;
  private lastSaid = '';

  constructor(spec: CliProcess) {
    this.spec = spec;
    this.ceilings = new Ceilings(spec.request.limits, spec.meter, spec.stallSeconds);
    const { side } = spec.adapter;
    if (side !== undefined) {
      this.side = new SideFile(
        () => side.find(this.sessionId ?? spec.session.id, spec.env),
        (line) => {
          const event = parseEvent(line);
          if (event) for (const fact of side.read(event)) this.learn(fact);
        },
      );
      // A resumed session's file has the earlier processes in it.
      if (spec.session.resume) void this.side.skipTo(() => side.find(spec.session.id, spec.env));
    }
  }

  take(chunk: Buffer, stream: 'stdout' | 'stderr'): Promise<void> | undefined {
    this.ceilings.alive();
    if (stream === 'stderr') {
      this.tail.add(chunk);
      return this.spec.request.onOutput(chunk);
    }
    const shown = this.lines.split(chunk).map((line) => this.line(line));
    const log = shown.join('');
    return log === '' ? undefined : this.spec.request.onOutput(Buffer.from(log));
  }

  async end(): Promise<void> {
    const rest = this.lines.rest();
    const shown = rest === '' ? '' : this.line(rest);
    if (shown !== '') await this.spec.request.onOutput(Buffer.from(shown));
    await this.side?.end();
  }

  close(): void {
    this.ceilings.close();
    this.side?.close();
  }

  verdict(end: ChildEnd): ProcessEnd {
    if (end.cause === 'timeout') return { kind: 'ended', ceiling: 'wall', message: this.lastWords() };
    const { reached } = this.ceilings;
    if (reached !== undefined) return { kind: 'ended', ...reached };
    const { exitCode } = end;
    if (this.failure !== undefined) {
      const { message, trouble } = this.failure;
      return { kind: 'failed', exitCode, message, trouble, session: this.sessionId };
    }
    if (exitCode === 0 && this.done) return { kind: 'completed' };
    const { name } = this.spec.adapter;
    const words = this.lastWords();
    const how =
      exitCode === 0
        ? 'ended with exit code 0 and without a result'
        : end.signal === null
          ? `ended with exit code ${exitCode}`
          : `was killed by ${end.signal}`;
    const message = `${name} ${how}${words === '' ? ', and said nothing' : `\n${words}`}`;
    // A crash in the middle of a session may pass; one before any event will not.
    const guess = troubleOf(words);
    const trouble = guess === 'other' && this.sessionId !== undefined && exitCode !== 0 ? 'transient' : guess;
    return { kind: 'failed', exitCode, message, trouble, session: this.sessionId };
  }

  /** What the log shows of a line. What is no event of the engine is shown as it is. */
  private line(line: string): string {
    const event = parseEvent(line);
    if (event === undefined) {
      this.tail.add(Buffer.from(`${line}\n`));
      return line.trim() === '' ? '' : `${line}\n`;
    }
    const facts = this.spec.adapter.read(event);
    for (const fact of facts) this.learn(fact);
    return facts.map(logLine).join('');
  }

  private learn(fact: Fact): void {
    this.spec.meter.add(fact);
    switch (fact.kind) {
      case 'session':
        this.sessionId = fact.id;
        break;
      case 'said':
        this.lastSaid = fact.text;
        break;
      case 'done':
        this.done = true;
        this.failure = undefined;
        break;
      case 'failure':
        this.failure = fact;
        break;
      case 'answer':
      case 'model':
      case 'step':
      case 'tool':
      case 'total':
      case 'warning':
        break;
    }
    this.ceilings.learn(fact);
  }

  private lastWords(): string {
    return this.tail.text(MESSAGE_LINES) || this.lastSaid.slice(-MESSAGE_BYTES);
  }
}
