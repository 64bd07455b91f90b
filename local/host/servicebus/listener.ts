// Service Bus queue triggers: single messages, sessions and batches, over the genuine client. A failed message is
// abandoned at once and comes back at once, until its delivery count sends it to the dead-letter queue: the platform
// has no backoff.
import type {
  ProcessErrorArgs,
  ServiceBusClient,
  ServiceBusReceivedMessage,
  ServiceBusReceiver,
  ServiceBusSessionReceiver,
} from '@azure/service-bus';
import type { HostedFunction, ServiceBusTrigger } from '../functions.js';
import type { HostConfig } from '../hostJson.js';
import type { Input, Invoker } from '../invoker.js';
import type { Log } from '../log.js';
import { pause } from '../pause.js';
import { batchInput, singleInput } from './input.js';
import { Settlements } from './settlements.js';

/** ms to gather the rest of a batch after its first message; what is there arrives within it. Our own choice. */
const GATHER = 20;
/** ms to wait after an error that the client does not handle itself. */
const RETRY_AFTER = 1_000;
/** ms that one wait for a batch's first message lasts before the next. */
const POLL = 60_000;

export class ServiceBusListener {
  readonly #fn: HostedFunction<ServiceBusTrigger>;
  readonly #client: ServiceBusClient;
  readonly #config: HostConfig['serviceBus'];
  readonly #invoker: Invoker;
  readonly #log: Log;
  readonly #autoComplete: boolean;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #loop: Promise<unknown> = Promise.resolve();

  constructor(
    fn: HostedFunction<ServiceBusTrigger>,
    options: { client: ServiceBusClient; config: HostConfig['serviceBus']; invoker: Invoker; log: Log },
  ) {
    this.#fn = fn;
    this.#client = options.client;
    this.#config = options.config;
    this.#invoker = options.invoker;
    this.#log = options.log;
    this.#autoComplete = fn.trigger.autoCompleteMessages ?? options.config.autoCompleteMessages;
  }

  async start(): Promise<void> {
    const { isSessionsEnabled, cardinality, queueName } = this.#fn.trigger;
    if (isSessionsEnabled) {
      this.#loop = this.#acceptSessions();
      return;
    }
    const receiver = this.#client.createReceiver(queueName, {
      skipParsingBodyAsJson: true,
      // A batch's locks are not renewed, as on Azure.
      maxAutoLockRenewalDurationInMs: cardinality === 'many' ? 0 : this.#config.maxAutoLockRenewalDuration,
    });
    this.#loop =
      cardinality === 'many' ? this.#receiveBatches(receiver, this.#stop.signal) : this.#each(receiver);
  }

  /** Takes no more messages and waits for the functions that run. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop.catch(() => undefined);
    await Promise.all(this.#running);
  }

  async #each(receiver: ServiceBusReceiver): Promise<void> {
    const settlements = new Settlements();
    const subscription = receiver.subscribe(
      {
        processMessage: (message) => this.#handle(receiver, settlements, [message], singleInput(message)),
        processError: async (args) => this.#report(args),
      },
      { autoCompleteMessages: false, maxConcurrentCalls: this.#config.maxConcurrentCalls },
    );
    await aborted(this.#stop.signal);
    await subscription.close();
    await Promise.all(this.#running);
    await receiver.close();
  }

  async #receiveBatches(receiver: ServiceBusReceiver, stop: AbortSignal): Promise<void> {
    const settlements = new Settlements();
    const most = this.#config.maxMessageBatchSize;
    const idle = this.#fn.trigger.isSessionsEnabled ? this.#config.sessionIdleTimeout : POLL;
    while (!stop.aborted) {
      try {
        const first = await receiver.receiveMessages(1, { maxWaitTimeInMs: idle, abortSignal: stop });
        if (first.length === 0 && this.#fn.trigger.isSessionsEnabled) break;
        if (first.length === 0) continue;
        const rest = most > 1 ? await receiver.receiveMessages(most - 1, { maxWaitTimeInMs: GATHER }) : [];
        const messages = [...first, ...rest];
        await this.#handle(receiver, settlements, messages, batchInput(messages));
      } catch (error) {
        if (stop.aborted || this.#fn.trigger.isSessionsEnabled) break;
        this.#warn(`receiving failed: ${String(error)}`);
        await pause(RETRY_AFTER, stop);
      }
    }
    await receiver.close();
  }

  /** One wait for the next session at a time: idle sessions cost a link each, and only the next one matters. */
  async #acceptSessions(): Promise<void> {
    const { signal } = this.#stop;
    const open = new Set<Promise<void>>();
    const stopped = aborted(signal);
    while (!signal.aborted) {
      if (open.size >= this.#config.maxConcurrentSessions) {
        await Promise.race(open);
        continue;
      }
      try {
        const accepting = this.#client.acceptNextSession(this.#fn.trigger.queueName, {
          skipParsingBodyAsJson: true,
          maxAutoLockRenewalDurationInMs: this.#config.maxAutoLockRenewalDuration,
        });
        // The client cannot be told to stop waiting, so a session that comes too late is given back.
        const receiver = await Promise.race([accepting, stopped]);
        if (!receiver) {
          accepting.then((late) => late.close()).catch(() => undefined);
          break;
        }
        const session = this.#session(receiver).finally(() => open.delete(session));
        open.add(session);
      } catch (error) {
        if (signal.aborted) break;
        // Nothing to accept for about a minute: not an error.
        if ((error as { code?: string }).code === 'ServiceTimeout') continue;
        this.#warn(`no session could be accepted: ${String(error)}`);
        await pause(RETRY_AFTER, signal);
      }
    }
    await Promise.all(open);
  }

  /** Holds a session until it has been idle for long enough, its lock is lost, or the host stops. */
  async #session(receiver: ServiceBusSessionReceiver): Promise<void> {
    if (this.#fn.trigger.cardinality === 'many') return this.#receiveBatches(receiver, this.#stop.signal);
    const settlements = new Settlements();
    const ended = new AbortController();
    let idle: NodeJS.Timeout | undefined;
    const waitFor = (ms: number): void => {
      clearTimeout(idle);
      idle = setTimeout(() => ended.abort(), ms);
    };
    waitFor(this.#config.sessionIdleTimeout);
    const subscription = receiver.subscribe(
      {
        processMessage: async (message) => {
          clearTimeout(idle);
          await this.#handle(receiver, settlements, [message], singleInput(message));
          waitFor(this.#config.sessionIdleTimeout);
        },
        processError: async (args) => {
          this.#report(args);
          if ((args.error as { code?: string }).code === 'SessionLockLost') ended.abort();
        },
      },
      { autoCompleteMessages: false, maxConcurrentCalls: 1 },
    );
    await aborted(AbortSignal.any([this.#stop.signal, ended.signal]));
    clearTimeout(idle);
    await subscription.close().catch(() => undefined);
    if (this.#stop.signal.aborted) await Promise.all(this.#running);
    await receiver.close().catch(() => undefined);
  }

  async #handle(
    receiver: ServiceBusReceiver,
    settlements: Settlements,
    messages: readonly ServiceBusReceivedMessage[],
    input: Input,
  ): Promise<void> {
    const work = (async () => {
      let failed = false;
      await this.#invoker.run(this.#fn, input).catch(() => (failed = true));
      if (!failed && !this.#autoComplete) return;
      await Promise.all(
        messages.map((message) =>
          settlements.run(failed ? 'abandon' : 'complete', () =>
            failed ? receiver.abandonMessage(message) : receiver.completeMessage(message),
          ),
        ),
      );
    })().catch((error: unknown) => this.#warn(`a message could not be settled: ${String(error)}`));
    this.#running.add(work);
    await work;
    this.#running.delete(work);
  }

  #report({ error, errorSource }: ProcessErrorArgs): void {
    if (!this.#stop.signal.aborted) this.#warn(`${errorSource}: ${error.message}`);
  }

  #warn(message: string): void {
    const { queueName } = this.#fn.trigger;
    this.#log(
      'warning',
      'Host.Triggers.ServiceBus',
      `"${this.#fn.name}" on queue "${queueName}": ${message}`,
    );
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
