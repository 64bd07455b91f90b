// The tracker: its REST API as the product calls it, and its webhooks. What items were told must be told exactly once.
import { createHmac } from 'node:crypto';
import type { Watch } from './watch.js';
import type { Random } from './random.js';
import type { SimTime } from './time.js';
import type { Weather } from './weather.js';
import type { JobEvent } from '../../shared/contract/event.js';
import type { Product } from '../../shared/contract/fleet.js';
import type { WebhookHeaders } from '../../functions/operations/receiveWebhook.js';

/** As hosts have them in their settings. */
export const TRACKER_SECRETS: Readonly<Record<string, string>> = { HOOK: 'webhook secret', TOKEN: 'token' };
const REPOSITORY = 'acme/shop';
export const TRACKER: NonNullable<Product['tracker']> = {
  kind: 'github',
  repository: REPOSITORY,
  apiUrl: 'https://tracker.invalid',
  webhookSecretSetting: 'HOOK',
  tokenSetting: 'TOKEN',
  label: 'agent:run',
  engines: ['shell', 'claude'],
};

interface Item {
  readonly number: number;
  readonly comments: string[];
  readonly labels: Set<string>;
  isClosed: boolean;
}

/** A delivery of a webhook: the raw body under its id. */
export interface Delivery {
  readonly body: Uint8Array;
  readonly headers: WebhookHeaders;
}

export class SimTracker {
  readonly items = new Map<number, Item>();
  /** Items that the control plane said yes to. */
  readonly accepted = new Set<number>();
  readonly #time: SimTime;
  readonly #random: Random;
  readonly #weather: Weather;
  readonly #violate: (rule: string, message: string) => void;
  #deliveries = 0;

  constructor(
    time: SimTime,
    random: Random,
    weather: Weather,
    violate: (rule: string, message: string) => void,
  ) {
    this.#time = time;
    this.#random = random;
    this.#weather = weather;
    this.#violate = violate;
  }

  /** Files an item that asks for a run; returns its webhooks: one for the item and one for its label. */
  file(): { number: number; deliveries: Delivery[] } {
    const number = this.items.size + 1;
    const labels = ['agent:run', `engine:${this.#random.pick(['shell', 'claude'])}`];
    this.items.set(number, { number, comments: [], labels: new Set(labels), isClosed: false });
    const issue = {
      number,
      title: `Item ${number}`,
      body: 'do it',
      state: 'open',
      html_url: `https://tracker.invalid/${REPOSITORY}/issues/${number}`,
      labels: labels.map((name) => ({ name })),
      user: { login: 'carol' },
    };
    const repository = { full_name: REPOSITORY };
    return {
      number,
      deliveries: [
        this.#signed({ action: 'opened', issue, repository }),
        this.#signed({ action: 'labeled', issue, repository, label: { name: 'agent:run' } }),
      ],
    };
  }

  #signed(payload: object): Delivery {
    const body = new TextEncoder().encode(JSON.stringify(payload));
    const secret = TRACKER_SECRETS['HOOK'] ?? '';
    this.#deliveries += 1;
    return {
      body,
      headers: {
        signature: `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
        event: 'issues',
        deliveryId: `delivery-${this.#deliveries}`,
      },
    };
  }

  /** Stands in for the network, which the product's calls of the tracker go through; returns how to take it away. */
  install(): () => void {
    const genuine = globalThis.fetch;
    globalThis.fetch = (input, init) =>
      this.#answer(String(input instanceof Request ? input.url : input), init ?? {});
    return () => {
      globalThis.fetch = genuine;
    };
  }

  async #answer(url: string, { method = 'GET', body }: RequestInit): Promise<Response> {
    const { pathname, searchParams } = new URL(url);
    await this.#time.sleep(this.#random.between(20, 300));
    if (this.#weather.lasts('trackerOutage')) {
      if (this.#random.chance(0.5)) throw new TypeError('fetch failed');
      return new Response('away', { status: this.#random.pick([502, 503, 429]) });
    }
    const [, number = '', rest = ''] = /\/issues\/(\d+)(\/.*)?$/.exec(pathname) ?? [];
    const item = this.items.get(Number(number));
    if (!item) return new Response('{}', { status: 404 });
    const text = typeof body === 'string' ? body : '{}';
    const answer = this.#act(
      item,
      `${method} ${rest}`,
      JSON.parse(text) as Record<string, unknown>,
      searchParams,
    );
    await this.#time.sleep(this.#random.between(20, 300));
    if (method !== 'GET' && this.#weather.strikes('trackerLostAnswer', 0.1))
      throw new TypeError('the connection was reset');
    return Response.json(answer);
  }

  #act(item: Item, call: string, body: Record<string, unknown>, search: URLSearchParams): unknown {
    const label = /^DELETE \/labels\/(.*)$/.exec(call)?.[1];
    if (label !== undefined) item.labels.delete(decodeURIComponent(label));
    else if (call === 'GET /comments') {
      const from = (Number(search.get('page')) - 1) * 100;
      return item.comments.slice(from, from + 100).map((text) => ({ body: text }));
    } else if (call === 'POST /comments') this.#comment(item, String(body['body'] as string));
    else if (call === 'POST /labels') for (const name of body['labels'] as string[]) item.labels.add(name);
    else if (call === 'PATCH ') item.isClosed = body['state'] === 'closed';
    else throw new Error(`the tracker has no ${call}`);
    return {};
  }

  #comment(item: Item, text: string): void {
    const marker = markerIn(text);
    if (item.comments.some((other) => markerIn(other) === marker))
      this.#violate('an item is told once', `item ${item.number} was told twice of ${marker}`);
    item.comments.push(text);
  }

  /** What items still have to be told, in words. */
  missing({ jobs }: Pick<Watch, 'jobs'>): string[] {
    const left: string[] = [];
    const byItem = new Map<number, number>();
    for (const { job, events } of jobs.values()) {
      if (!job.trackerItem) continue;
      const { number } = job.trackerItem;
      const item = this.items.get(number);
      if (!item) continue;
      byItem.set(number, (byItem.get(number) ?? 0) + 1);
      const told = new Set(item.comments.map(markerIn));
      for (const event of events)
        if (isNews(event) && !told.has(`${event.jobId}:${event.seq}`))
          left.push(`a comment on item ${number}: ${event.body.kind} of ${event.jobId}`);
      if (job.stage === 'shipped' && !item.isClosed) left.push(`item ${number}, open although it shipped,`);
    }
    for (const number of this.accepted) {
      const count = byItem.get(number) ?? 0;
      if (count === 0) left.push(`item ${number}, no job yet,`);
      else if (count > 1) this.#violate('one job an item', `item ${number} became ${count} jobs`);
    }
    return left;
  }
}

/** What a reader of an item counts on, told once more, independent of the product's own list. */
function isNews({ body }: JobEvent): boolean {
  switch (body.kind) {
    case 'job.assigned':
      return body.run !== 'land';
    case 'ship.landed':
    case 'ship.refused':
    case 'job.cancelled':
    case 'gate.rejected':
      return true;
    default:
      return false;
  }
}

const markerIn = (text: string): string => /<!-- gigafactory:(.*?) -->/.exec(text)?.[1] ?? text;
