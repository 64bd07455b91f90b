// Signed webhooks, one after the other. GitHub itself gives up after one attempt and leaves the rest to its
// "Redeliver" button; here a delivery waits until the receiver is back, so that starting in any order works.
import { createHmac, randomUUID } from 'node:crypto';
import { realClock, type Clock } from '../clock.js';
import { messageOf } from '../errorText.js';

/** GitHub waits 10 s for an answer. */
const ANSWER_TIMEOUT_MS = 10_000;
const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 10_000;
/** Settled deliveries that are kept for redelivery. */
const KEPT_DELIVERIES = 100;

export interface Delivery {
  /** The GUID that `X-GitHub-Delivery` carries, the same at every attempt. */
  id: string;
  event: string;
  /** The body, byte for byte as it was signed. */
  payload: string;
  status: 'waiting' | 'delivered' | 'refused';
  attempts: number;
  /** HTTP status of the last answer; absent when there was none. */
  answered?: number;
}

export interface WebhookOptions {
  url: string;
  secret: string;
  /** Deliveries in order; changed in place. */
  deliveries: Delivery[];
  /** Called after each change of a delivery. */
  changed: () => Promise<void>;
  log?: ((line: string) => void) | undefined;
  clock?: Clock | undefined;
}

export class Webhooks {
  readonly #options: WebhookOptions;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: WebhookOptions) {
    this.#options = options;
    this.#clock = options.clock ?? realClock;
    this.#wake();
  }

  send(event: string, payload: object): void {
    this.#options.deliveries.push({
      id: randomUUID(),
      event,
      payload: JSON.stringify(payload),
      status: 'waiting',
      attempts: 0,
    });
    this.#wake();
  }

  /** Sends a delivery once more, with the same id. @returns false when there is none of that id */
  redeliver(id: string): boolean {
    const delivery = this.#options.deliveries.find((one) => one.id === id);
    if (!delivery) return false;
    delivery.status = 'waiting';
    this.#wake();
    return true;
  }

  /** Stops; what was not delivered waits for the next start. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  #wake(): void {
    if (this.#running || this.#closing.signal.aborted || !this.#waiting()) return;
    this.#running = this.#deliverAll().finally(() => {
      this.#running = undefined;
      // One that came while the last save was under way found the loop running, but past its end.
      this.#wake();
    });
  }

  async #deliverAll(): Promise<void> {
    let failures = 0;
    for (let next = this.#waiting(); next && !this.#closing.signal.aborted; next = this.#waiting()) {
      // Nobody hears of a change that a crash could still undo.
      await this.#options.changed();
      if (await this.#attempt(next)) {
        failures = 0;
        this.#forgetOld();
        continue;
      }
      await this.#pause(Math.min(FIRST_RETRY_MS * 2 ** failures, MAX_RETRY_MS));
      failures += 1;
    }
    await this.#options.changed();
  }

  #waiting(): Delivery | undefined {
    return this.#options.deliveries.find(({ status }) => status === 'waiting');
  }

  /** @returns whether the receiver's answer was final */
  async #attempt(delivery: Delivery): Promise<boolean> {
    const { url, log } = this.#options;
    delivery.attempts += 1;
    delete delivery.answered;
    let why: string;
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: this.#headers(delivery),
        body: delivery.payload,
        signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
      });
      await answer.arrayBuffer();
      delivery.answered = answer.status;
      if (answer.ok) {
        delivery.status = 'delivered';
        return true;
      }
      why = `answered ${answer.status}`;
      if (!isPassing(answer.status)) {
        delivery.status = 'refused';
        log?.(`webhook ${delivery.id} (${delivery.event}) ${why}: not tried again`);
        return true;
      }
    } catch (error) {
      why = messageOf(error);
    }
    if (!this.#closing.signal.aborted) log?.(`webhook ${delivery.id} (${delivery.event}) ${why}: will retry`);
    return false;
  }

  #headers({ id, event, payload }: Delivery): Record<string, string> {
    const signature = createHmac('sha256', this.#options.secret).update(payload).digest('hex');
    return {
      'content-type': 'application/json',
      'user-agent': 'GitHub-Hookshot/embedded',
      'x-github-event': event,
      'x-github-delivery': id,
      'x-github-hook-id': '1',
      'x-github-hook-installation-target-type': 'repository',
      'x-hub-signature-256': `sha256=${signature}`,
    };
  }

  #forgetOld(): void {
    const { deliveries } = this.#options;
    while (deliveries.length > KEPT_DELIVERIES && deliveries[0]?.status !== 'waiting') deliveries.shift();
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      const stop = (): void => {
        cancel();
        resolve();
      };
      const cancel = this.#clock.schedule(this.#clock.now() + ms, () => {
        signal.removeEventListener('abort', stop);
        resolve();
      });
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
  }
}

/** The receiver may take it later: it is not there yet (404 while it starts), busy, or broken. */
const isPassing = (status: number): boolean => status >= 500 || [404, 408, 425, 429].includes(status);
