// The host's side of a worker: start it, invoke through it, start it again when it dies.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { App } from './worker/app.js';
import { toRemoteError } from './worker/protocol.js';
import type {
  FromWorker,
  InvocationRequest,
  InvocationResponse,
  LoadedApp,
  RemoteError,
  ToWorker,
  WorkerLog,
} from './worker/protocol.js';

/** ms; waits between restarts of a worker that dies soon after its start. Our own choice. */
const RESTART_BACKOFF = [0, 500, 1_000, 2_000, 5_000] as const;
/** ms; a worker that lived this long starts the backoff afresh. */
const STABLE_AFTER = 10_000;

/** The function failed: its handler, or a hook, threw. */
export class FunctionFailed extends Error {
  readonly remote: RemoteError;
  constructor(remote: RemoteError) {
    super(remote.message);
    this.name = 'FunctionFailed';
    this.remote = remote;
  }
}

/** The worker went away while the function ran: crashed, timed out or was replaced. */
export class WorkerLost extends Error {
  override name = 'WorkerLost';
}

export interface Worker {
  /** Process id; the host's own when it runs in-process. */
  readonly pid: number | undefined;
  /** How often a worker was started again after the first time. */
  readonly restarts: number;
  /** Where HTTP requests are streamed to, for the worker that runs now. */
  readonly streamUrl: string | undefined;
  /** Loads the app. @throws Error with what the app threw while loading */
  start(): Promise<LoadedApp>;
  /** Resolves when the worker that runs now has loaded the app. @throws Error when it cannot */
  ready(): Promise<unknown>;
  /** @throws FunctionFailed, or WorkerLost when the worker dies before the answer */
  invoke(request: InvocationRequest): Promise<InvocationResponse>;
  /**
   * Kills the worker with all it runs and starts another. An app that could be loaded before is tried again until it
   * can; one whose code has changed is not.
   * @throws Error as `start` does
   */
  restart(why: string, hasChanged?: boolean): Promise<LoadedApp>;
  /** Lets the app's terminate hooks run, then ends the process; after `graceMs` it is killed. */
  close(graceMs: number): Promise<void>;
}

export interface WorkerOptions {
  appDir: string;
  settings: Readonly<Record<string, string>>;
  log: (entry: WorkerLog) => void;
  /** A line that the app printed to stdout or stderr by itself. */
  print: (line: string, stream: 'stdout' | 'stderr') => void;
}

interface Waiting {
  resolve: (response: InvocationResponse) => void;
  reject: (error: Error) => void;
}

/** The compiled worker; when this file itself runs uncompiled (in tests), the one that the build made. */
function workerEntry(): string {
  const sibling = fileURLToPath(new URL('./worker/child.js', import.meta.url));
  return import.meta.url.endsWith('.ts')
    ? sibling.replace(/([\\/])local([\\/]host[\\/]worker)/, '$1dist$1local$2')
    : sibling;
}

/** A worker in a process of its own, so that a function that runs too long can be killed. */
export class ForkedWorker implements Worker {
  readonly #options: WorkerOptions;
  readonly #waiting = new Map<string, Waiting>();
  #child: ChildProcess | undefined;
  #ready: Promise<LoadedApp>;
  #streamUrl: string | undefined;
  #closing = false;
  #startedAt = 0;
  #quickDeaths = 0;
  #starts = 0;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#ready = Promise.reject(new Error('The worker has not been started.'));
    this.#ready.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get restarts(): number {
    return Math.max(0, this.#starts - 1);
  }

  get streamUrl(): string | undefined {
    return this.#streamUrl;
  }

  start(): Promise<LoadedApp> {
    this.#ready = this.#spawn(false);
    this.#ready.catch(() => undefined);
    return this.#ready;
  }

  ready(): Promise<unknown> {
    return this.#ready;
  }

  async invoke(request: InvocationRequest): Promise<InvocationResponse> {
    await this.#ready;
    return new Promise((resolve, reject) => {
      this.#waiting.set(request.invocationId, { resolve, reject });
      this.#send({ kind: 'invoke', request });
    });
  }

  restart(why: string, hasChanged = false): Promise<LoadedApp> {
    const old = this.#child;
    this.#child = undefined;
    this.#fail(new WorkerLost(why));
    const gone = old && old.exitCode === null && old.signalCode === null ? once(old, 'exit') : undefined;
    old?.kill('SIGKILL');
    this.#quickDeaths = 0;
    this.#ready = Promise.resolve(gone).then(() => this.#spawn(!hasChanged));
    this.#ready.catch(() => undefined);
    return this.#ready;
  }

  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    this.#send({ kind: 'terminate' });
    const kill = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await gone;
    clearTimeout(kill);
    this.#fail(new WorkerLost('The host is shutting down.'));
  }

  #send(message: ToWorker): void {
    const lost = (): void => this.#fail(new WorkerLost('The worker process is gone.'));
    if (!this.#child?.connected) lost();
    else this.#child.send(message, (error) => error && lost());
  }

  #spawn(keepTrying: boolean): Promise<LoadedApp> {
    this.#starts++;
    this.#startedAt = Date.now();
    const { appDir, settings, log, print } = this.#options;
    const child = fork(workerEntry(), [], {
      cwd: appDir,
      env: { ...process.env, ...settings },
      execArgv: ['--enable-source-maps'],
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    for (const stream of ['stdout', 'stderr'] as const) {
      const output = child[stream];
      if (output) createInterface({ input: output }).on('line', (line) => print(line, stream));
    }
    let keepAlive = keepTrying;
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('message', (message) => {
        const received = message as FromWorker;
        switch (received.kind) {
          case 'loaded':
            keepAlive = true;
            this.#streamUrl = received.app.streamUrl;
            return resolve(received.app);
          case 'loadFailed':
            reject(new Error(received.error.stack));
            child.kill('SIGKILL');
            return;
          case 'succeeded':
            this.#settle(received.invocationId)?.resolve(received.response);
            return;
          case 'failed':
            this.#settle(received.invocationId)?.reject(new FunctionFailed(received.error));
            return;
          case 'log':
            return log(received.entry);
        }
      });
      child.on('exit', (code, signal) => {
        const why = `The worker process exited (${signal ?? `code ${code}`}).`;
        reject(new WorkerLost(why));
        if (this.#child === child && !this.#closing && keepAlive) this.#revive(why);
      });
      this.#send({ kind: 'load', appDir });
    });
  }

  #revive(why: string): void {
    this.#child = undefined;
    this.#fail(new WorkerLost(why));
    if (Date.now() - this.#startedAt >= STABLE_AFTER) this.#quickDeaths = 0;
    const delay = RESTART_BACKOFF[Math.min(this.#quickDeaths++, RESTART_BACKOFF.length - 1)] ?? 0;
    const message = `${why} Starting another${delay ? ` in ${delay} ms` : ''}.`;
    this.#options.log({ level: 'error', category: 'system', message });
    this.#ready = new Promise((resolve) => setTimeout(resolve, delay).unref()).then(() => {
      if (this.#closing) throw new WorkerLost('The host is shutting down.');
      return this.#spawn(true);
    });
    this.#ready.catch(() => undefined);
  }

  #settle(invocationId: string): Waiting | undefined {
    const waiting = this.#waiting.get(invocationId);
    this.#waiting.delete(invocationId);
    return waiting;
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** The app inside the host's own process: quick to start and easy to debug, but nothing can be killed. */
export class InProcessWorker implements Worker {
  readonly #options: WorkerOptions;
  readonly #previous = new Map<string, string | undefined>();
  #app: App | undefined;
  #streamUrl: string | undefined;
  #starts = 0;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  get pid(): number {
    return process.pid;
  }

  get restarts(): number {
    return Math.max(0, this.#starts - 1);
  }

  get streamUrl(): string | undefined {
    return this.#streamUrl;
  }

  async start(): Promise<LoadedApp> {
    this.#starts++;
    for (const [name, value] of Object.entries(this.#options.settings)) {
      if (!this.#previous.has(name)) this.#previous.set(name, process.env[name]);
      process.env[name] = value;
    }
    this.#app = new App(this.#options.log);
    const loaded = await this.#app.load(this.#options.appDir);
    this.#streamUrl = loaded.streamUrl;
    return loaded;
  }

  async ready(): Promise<void> {}

  async invoke(request: InvocationRequest): Promise<InvocationResponse> {
    if (!this.#app) throw new WorkerLost('The worker has not been started.');
    try {
      return await this.#app.invoke(request);
    } catch (error) {
      throw new FunctionFailed(toRemoteError(error));
    }
  }

  restart(): Promise<LoadedApp> {
    return this.start();
  }

  async close(): Promise<void> {
    await this.#app?.terminate();
    for (const [name, value] of this.#previous) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
