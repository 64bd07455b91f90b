// One way through for every trigger: run a function in the worker with its time limit, bind its outputs, count,
// log, and retry as its policy says.
import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostedFunction } from './functions.js';
import type { Log } from './log.js';
import { FunctionFailed } from './worker.js';
import type { Worker } from './worker.js';
import type {
  InvocationRequest,
  InvocationResponse,
  RemoteError,
  RetryPolicy,
  TypedData,
} from './worker/protocol.js';

/** What a trigger hands over for one invocation. */
export interface Input {
  data: TypedData;
  metadata?: Record<string, TypedData>;
  /** W3C trace context of what caused this, when there is one. */
  traceParent?: string | undefined;
  traceState?: string | undefined;
  /** Why it runs, in a few words, for the log. */
  reason: string;
}

export interface InvocationStats {
  invocations: number;
  failures: number;
  running: number;
}

export class FunctionTimeout extends Error {
  override name = 'FunctionTimeout';
}

export class Invoker {
  readonly stats: InvocationStats = { invocations: 0, failures: 0, running: 0 };
  readonly #worker: Worker;
  readonly #log: Log;
  readonly #timeout: () => number | undefined;
  readonly #bindOutputs: (fn: HostedFunction, response: InvocationResponse) => Promise<void>;

  constructor(options: {
    worker: Worker;
    log: Log;
    /** ms, or undefined for no limit */
    timeout: () => number | undefined;
    bindOutputs: (fn: HostedFunction, response: InvocationResponse) => Promise<void>;
  }) {
    this.#worker = options.worker;
    this.#log = options.log;
    this.#timeout = options.timeout;
    this.#bindOutputs = options.bindOutputs;
  }

  /**
   * Runs the function once.
   * @param invocationId given where the caller needs it before the answer (HTTP streaming)
   * @throws FunctionFailed, FunctionTimeout or WorkerLost; an output that cannot be bound fails it too
   */
  async run(
    fn: HostedFunction,
    input: Input,
    retryContext?: InvocationRequest['retryContext'],
    invocationId: string = randomUUID(),
  ): Promise<InvocationResponse> {
    const request: InvocationRequest = {
      invocationId,
      functionId: fn.name,
      inputData: [{ name: fn.inputName, data: input.data }],
      triggerMetadata: input.metadata ?? {},
      traceContext: {
        traceParent: input.traceParent ?? newTraceParent(),
        ...(input.traceState ? { traceState: input.traceState } : {}),
        attributes: {},
      },
      ...(retryContext ? { retryContext } : {}),
    };
    const category = `Function.${fn.name}`;
    const started = performance.now();
    this.stats.invocations++;
    this.stats.running++;
    this.#log(
      'information',
      category,
      `Executing 'Functions.${fn.name}' (Reason='${input.reason}', Id=${invocationId})`,
      invocationId,
    );
    const ended = (outcome: string): string =>
      `Executed 'Functions.${fn.name}' (${outcome}, Id=${invocationId}, Duration=${Math.round(performance.now() - started)}ms)`;
    try {
      const response = await this.#withinLimit(fn, request);
      await this.#bindOutputs(fn, response);
      this.#log('information', category, ended('Succeeded'), invocationId);
      return response;
    } catch (error) {
      this.stats.failures++;
      const why = error instanceof FunctionFailed ? error.remote.stack : String(error);
      this.#log('error', category, `${ended('Failed')}\n${why}`, invocationId);
      throw error;
    } finally {
      this.stats.running--;
    }
  }

  /**
   * Runs the function until it succeeds or its retry policy is used up; without a policy, once.
   * @param stop ends the waiting between attempts
   * @throws what the last attempt threw
   */
  async runWithRetries(fn: HostedFunction, input: Input, stop: AbortSignal): Promise<InvocationResponse> {
    const policy = fn.retry;
    if (!policy) return this.run(fn, input);
    const limit = policy.maxRetryCount === -1 ? Infinity : policy.maxRetryCount;
    let exception: { message: string; source: string; stackTrace: string } | undefined;
    for (let retryCount = 0; ; retryCount++) {
      try {
        const context = { retryCount, maxRetryCount: policy.maxRetryCount };
        return await this.run(fn, input, exception ? { ...context, exception } : context);
      } catch (error) {
        if (retryCount >= limit || stop.aborted) throw error;
        const remote: RemoteError | Error = error instanceof FunctionFailed ? error.remote : (error as Error);
        exception = { message: remote.message, source: '', stackTrace: remote.stack ?? '' };
        const delay = retryDelay(policy, retryCount + 1, Math.random());
        await sleep(delay, undefined, { signal: stop }).catch(() => {
          throw error;
        });
      }
    }
  }

  /** Real timeouts cannot be handled by the app: the whole worker goes, with everything else it runs. */
  async #withinLimit(fn: HostedFunction, request: InvocationRequest): Promise<InvocationResponse> {
    const limit = this.#timeout();
    if (limit === undefined) return this.#worker.invoke(request);
    // Waiting for a worker is not the function's time, or one slow start would lead to the next.
    await this.#worker.ready();
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const message = `Timeout value of ${limit / 1_000} s exceeded by function 'Functions.${fn.name}'`;
        reject(new FunctionTimeout(`${message} (Id: '${request.invocationId}').`));
        this.#worker.restart(`${message}: the worker is being restarted.`).catch((error: unknown) => {
          this.#log('error', 'Host.Worker', `The app could not be loaded again: ${String(error)}`);
        });
      }, limit);
    });
    try {
      return await Promise.race([this.#worker.invoke(request), expired]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * @param attempt 1 for the first retry
 * @param random 0 ≤ random < 1; spreads an exponential delay by ±20 %
 * @returns ms until that retry
 */
export function retryDelay(policy: RetryPolicy, attempt: number, random: number): number {
  const ms = (duration: { seconds: number } | undefined): number => (duration?.seconds ?? 0) * 1_000;
  switch (policy.retryStrategy) {
    case 'fixedDelay':
      return ms(policy.delayInterval);
    case 'exponentialBackoff': {
      const least = ms(policy.minimumInterval);
      const most = Math.max(least, ms(policy.maximumInterval));
      return Math.min(most, least + (0.8 + 0.4 * random) * 2 ** (attempt - 1) * least);
    }
  }
}

const newTraceParent = (): string =>
  `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
