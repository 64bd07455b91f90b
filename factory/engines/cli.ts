/**
 * Coding-agent CLIs: what they have in common. Each CLI is an adapter (its call, and what its stream says); this
 * starts it, reads it, holds it to its ceilings, and decides after a failure whether its session goes on, begins
 * anew, or is over.
 */
import { randomUUID } from 'node:crypto';
import { realpath, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { presenceOf, wanted, type Credential } from '../capabilities/credentials.js';
import { versionOf } from '../capabilities/version.js';
import type { Engine as EngineName } from '../../shared/contract/manifest.js';
import { findProgram } from '../processes/program.js';
import { runCliProcess, type ProcessEnd } from './cliProcess.js';
import type { Engine, EngineRequest, EngineResult } from './engine.js';
import type { Fact, StreamEvent } from './facts.js';
import { Meter } from './meter.js';
import type { EngineSettings } from './settings.js';

export interface CliCall {
  readonly worktree: string;
  readonly scratch: string;
  readonly env: Readonly<Record<string, string>>;
  readonly yolo: boolean;
  readonly model: string | undefined;
  /** The machine's owner adds these. */
  readonly more: readonly string[];
  /** A fresh name for a new session (a UUID), or the session that goes on. */
  readonly session: { readonly id: string; readonly resume: boolean };
  /** What is left of the budget; engines with a flag of their own get it too. */
  readonly usd: number | undefined;
}

export interface CliAdapter {
  readonly name: EngineName;
  /** Its name on the PATH; it prints its version with `--version`. */
  readonly program: string;
  readonly credential: Credential;
  /** As of Engine. */
  readonly variables: readonly RegExp[];
  /** Arguments and further environment. The prompt goes to its standard input: a command line is public and short. */
  command(call: CliCall): {
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
  };
  /** What one line of its output says. */
  read(event: StreamEvent): readonly Fact[];
  /** A file that it writes while it works and that tells what its output leaves out. */
  readonly side?: {
    /** Undefined while it is not there. */
    find(session: string, env: Readonly<Record<string, string>>): Promise<string | undefined>;
    read(event: StreamEvent): readonly Fact[];
  };
}

/**
 * A CLI of 200 MB takes seconds to start where much else does (ms). Each run's record has the version, and it is asked
 * for only once, when the factory starts.
 */
const VERSION_TIMEOUT_MS = 30_000;
/** After a failure that may pass, the session is taken up again so often. */
const MAX_RESUMES = 1;
/** After a refusal or with a conversation that has become the problem, the job is begun anew so often. */
const MAX_FRESH_STARTS = 1;
const RESUME_PROMPT = 'You were interrupted. Go on where you stopped and finish the task.';
const FRESH_PROMPT =
  '\n\n(An earlier session on this task ended early. Its changes are still in the working directory: look at them first.)';

/** An engine out of an adapter. */
export function cliEngine(adapter: CliAdapter): Engine {
  return {
    name: adapter.name,
    variables: adapter.variables,

    goesOn: () => true,

    async probe(env, settings) {
      const program = await programOf(adapter, settings, env);
      if (program === undefined) return undefined;
      const version = await versionOf(program, ['--version'], env, VERSION_TIMEOUT_MS);
      const found = await presenceOf(adapter.credential, { ...env, ...settings.env });
      return {
        at: program,
        loggedIn: settings.loggedIn ?? found !== undefined,
        credential: found ?? `none of ${wanted(adapter.credential)}`,
        ...(version === undefined ? {} : { version }),
      };
    },

    async run(request, signal) {
      const { settings } = request;
      const program = await programOf(adapter, settings, request.env);
      if (program === undefined) {
        const asked = settings.program ?? adapter.program;
        return {
          kind: 'unfit',
          message: `the engine ${adapter.name} is not on this factory: no program ${asked}${path.isAbsolute(asked) ? '' : ' on its PATH'}`,
        };
      }
      return new CliRun(adapter, program, request).work(signal);
    },
  };
}

const programOf = (
  adapter: CliAdapter,
  { program }: EngineSettings,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> => findProgram(program ?? adapter.program, env);

/** Which file a program is, behind its links: another one after an update, in place or beside it. */
async function identityOf(program: string): Promise<string> {
  try {
    const file = await realpath(program);
    const { ino, size, mtimeMs } = await stat(file);
    return [file, ino, size, mtimeMs].join(' ');
  } catch {
    return 'gone';
  }
}

class CliRun {
  private readonly adapter: CliAdapter;
  private readonly program: string;
  private readonly request: EngineRequest;
  private readonly settings: EngineSettings;
  private readonly meter: Meter;
  private readonly startedAt = performance.now();
  private processes = 0;

  constructor(adapter: CliAdapter, program: string, request: EngineRequest) {
    this.adapter = adapter;
    this.program = program;
    this.request = request;
    this.settings = request.settings;
    this.meter = new Meter(adapter.name, request.settings.model);
  }

  async work(signal: AbortSignal): Promise<EngineResult> {
    const before = await identityOf(this.program);
    const result = await this.sessions(signal);
    if ((await identityOf(this.program)) !== before)
      await this.note(
        `${this.adapter.name} (${this.program}) is not the program that this run began with: it was updated meanwhile. Switch updates off there; the version on record is the one from the factory's start`,
      );
    return result;
  }

  private async sessions(signal: AbortSignal): Promise<EngineResult> {
    let resumes = 0;
    let freshStarts = 0;
    let session = { id: randomUUID() as string, resume: false };
    let prompt = this.request.prompt;
    for (;;) {
      const end = await this.process(session, prompt, signal);
      if (end.kind !== 'failed') return this.result(end);
      const { trouble } = end;
      const known = end.session;
      if (trouble === 'transient' && known !== undefined && resumes < MAX_RESUMES) {
        resumes += 1;
        await this.note(`${end.message}\n[engine] the session goes on: ${known}`);
        session = { id: known, resume: true };
        prompt = RESUME_PROMPT;
      } else if ((trouble === 'refusal' || trouble === 'poisoned') && freshStarts < MAX_FRESH_STARTS) {
        freshStarts += 1;
        await this.note(
          `${end.message}\n[engine] a fresh session is started: this one would only fail again`,
        );
        session = { id: randomUUID(), resume: false };
        prompt = this.request.prompt + FRESH_PROMPT;
      } else {
        return this.result(end);
      }
    }
  }

  private async process(
    session: CliCall['session'],
    prompt: string,
    signal: AbortSignal,
  ): Promise<ProcessEnd> {
    const { adapter, request, settings } = this;
    this.processes += 1;
    this.meter.begin(session.resume);
    const promptFile = path.join(request.scratch, `prompt-${this.processes}.md`);
    await writeFile(promptFile, prompt, { mode: 0o600 });
    const { usd } = request.limits;
    const env = { ...request.env, ...settings.env };
    const call = adapter.command({
      worktree: request.worktree,
      scratch: request.scratch,
      env,
      yolo: request.yolo,
      model: settings.model,
      more: settings.args,
      session,
      usd: usd === undefined ? undefined : Math.max(0.01, usd - this.meter.spent.usd),
    });
    return runCliProcess(
      {
        adapter,
        program: this.program,
        args: call.args,
        env: { ...request.env, ...call.env, ...settings.env },
        promptFile,
        session,
        request,
        meter: this.meter,
        stallSeconds: settings.stallSeconds,
        wallSeconds: request.limits.wallSeconds - (performance.now() - this.startedAt) / 1000,
      },
      this.processes === 1 ? request.onStart : () => {},
      signal,
    );
  }

  private async note(message: string): Promise<void> {
    await this.request.onOutput(Buffer.from(`[engine] ${message}\n`));
  }

  private result(end: ProcessEnd): EngineResult {
    const usage = this.meter.usage();
    switch (end.kind) {
      case 'completed':
        return { kind: 'completed', usage };
      case 'ended':
        return { kind: 'ended', ceiling: end.ceiling, message: end.message, usage };
      case 'aborted':
        return { kind: 'aborted', usage };
      case 'failed': {
        const { exitCode, message, trouble } = end;
        if (trouble === 'login') {
          return {
            kind: 'unfit',
            message: `the engine ${this.adapter.name} is not logged in on this factory: ${message}`,
            usage,
          };
        }
        return { kind: 'failed', exitCode, message, usage, ...(trouble === 'refusal' && { refused: true }) };
      }
    }
  }
}
