// The message bus: the engine of the embedded cloud under the ports that operations and factories see.
import { Engine } from '../../local/servicebus/engine.js';
import type { MessageLock, SessionLock } from '../../local/servicebus/locks.js';
import type { Queue } from '../../local/servicebus/queue.js';
import type { Bus } from '../../shared/cloud/bus.js';
import { CloudError } from '../../shared/cloud/errors.js';
import type { Tickets } from '../../shared/cloud/tickets.js';
import { TicketSchema, type Ticket } from '../../shared/contract/messages.js';
import { QUEUES } from '../../shared/topology.js';
import type { Lanes } from './lanes.js';
import type { Random } from './random.js';
import { never, type SimTime } from './time.js';
import type { Weather } from './weather.js';

/** How long a client tries before it says that the bus is away (ms). */
const GIVES_UP_MS = 3000;

/** A factory's way to the bus. */
export interface BusPeer {
  readonly name: string;
  readonly isDead: boolean;
  /** Goes on when the peer does: at once, when it was paused later, never when it died. */
  goesOn(): Promise<void>;
}

export class SimBus {
  readonly engine: Engine;
  readonly #time: SimTime;
  readonly #random: Random;
  readonly #weather: Weather;
  readonly #lanes: Lanes;
  /** What ends when a peer's connection is cut or its process dies. */
  readonly #links = new Map<BusPeer, Set<(why: 'cut' | 'died') => void>>();

  constructor(time: SimTime, random: Random, weather: Weather, lanes: Lanes) {
    this.#lanes = lanes;
    this.#time = time;
    this.#random = random;
    this.#weather = weather;
    let tokens = 0;
    this.engine = new Engine({ clock: time.clock, newToken: () => `lock-${(tokens += 1)}` });
    for (const queue of QUEUES) this.engine.createQueue(queue);
  }

  /** The bus as one instance of the function app sees it. */
  busFor(user: { readonly isDead: boolean; mayDie(): number }): Bus {
    const call = async <T>(act: () => T): Promise<T> => {
      await this.#time.sleep(this.#random.between(1, 15));
      await this.#time.sleep(user.mayDie());
      if (user.isDead) await never();
      if (!this.#weather.lasts('busOutage')) return act();
      await this.#time.sleep(this.#random.between(0, GIVES_UP_MS));
      throw new CloudError('unavailable', 'the bus is away');
    };
    return {
      send: (name, message) => {
        this.#lanes.sent(user, message.body, message.sessionId);
        return call(() => {
          this.engine.queue(name).send([
            {
              messageId: message.messageId,
              sessionId: message.sessionId,
              payload: Buffer.from(JSON.stringify(message.body)),
              ttlMs: message.ttlSeconds === undefined ? undefined : message.ttlSeconds * 1000,
              scheduledFor: message.notBefore === undefined ? undefined : Date.parse(message.notBefore),
            },
          ]);
          if (this.#weather.strikes('busLostAck', 0.03))
            throw new CloudError('unavailable', 'the answer of the bus was lost');
        });
      },
      waiting: (name, max) =>
        call(() =>
          this.engine
            .queue(name)
            .peek(0, Infinity)
            .filter(({ state }) => state === 'active')
            .slice(0, max)
            .map(({ messageId }) => messageId),
        ),
      close: () => Promise.resolve(),
    };
  }

  /** Cuts a peer's connection; the bus holds its sessions until their locks end. A process that died lets them go. */
  cut(peer: BusPeer, why: 'cut' | 'died'): void {
    const links = [...(this.#links.get(peer) ?? [])];
    this.#links.delete(peer);
    for (const end of links) end(why);
  }

  /** The bus as one factory sees it. */
  ticketsFor(peer: BusPeer): Pick<Tickets, 'next'> {
    return {
      next: async (name, claim, signal) => {
        const queue = this.engine.queue(name);
        while (!signal.aborted) {
          await this.#connected(peer);
          const session = await this.#accept(peer, queue, signal);
          if (!session) continue;
          if (await this.#serve(peer, queue, session, claim)) return true;
        }
        return false;
      },
    };
  }

  #isAway(peer: BusPeer): boolean {
    return this.#weather.lasts('busOutage') || this.#weather.lasts('cutFromBus', peer.name);
  }

  async #connected(peer: BusPeer): Promise<void> {
    await peer.goesOn();
    if (!this.#isAway(peer)) return;
    await this.#time.sleep(this.#random.between(0, GIVES_UP_MS));
    throw new CloudError('unavailable', 'the bus is away');
  }

  #accept(peer: BusPeer, queue: Queue, signal: AbortSignal): Promise<SessionLock | undefined> {
    return new Promise((resolve, reject) => {
      let forget = (): void => {};
      const end = (why: 'cut' | 'died'): void => {
        stop();
        // A client notices after a while that its connection is gone.
        if (why === 'cut')
          this.#time.after(this.#random.between(0, GIVES_UP_MS), () =>
            reject(new CloudError('unavailable', 'the connection to the bus was lost')),
          );
      };
      const onAbort = (): void => {
        stop();
        forget();
        resolve(undefined);
      };
      forget = this.#link(peer, end);
      signal.addEventListener('abort', onAbort, { once: true });
      const stop = queue.sessions!.acceptNext(
        peer.name,
        (lock) => {
          forget();
          signal.removeEventListener('abort', onAbort);
          resolve(lock);
        },
        () => {},
      );
    });
  }

  /** @returns false when the session had no ticket */
  async #serve(
    peer: BusPeer,
    queue: Queue,
    session: SessionLock,
    claim: (ticket: Ticket['ticket']) => Promise<void>,
  ): Promise<boolean> {
    let delivered: MessageLock | undefined;
    const receiver = queue.openReceiver(
      'peekLock',
      (_message, lock) => {
        delivered = lock;
      },
      session,
    );
    const leave = (): void => {
      queue.closeReceiver(receiver);
      if (!session.released) queue.sessions!.close(session);
    };
    const forget = this.#link(peer, (why) => {
      if (why === 'died') leave();
    });
    try {
      await this.#time.sleep(this.#random.between(1, 15));
      await peer.goesOn();
      queue.demand(receiver, 1);
      if (!delivered) return false;
      const { payload } = delivered.message;
      const { ticket } = TicketSchema.parse(JSON.parse(Buffer.from(payload).toString('utf8')));
      if (this.#weather.strikes('sessionLost', 0.05))
        this.#time.after(this.#random.between(0, 200), () => {
          if (!session.released) queue.sessions!.expire(session);
        });
      await claim(ticket);
      await this.#time.sleep(this.#random.between(1, 15));
      await peer.goesOn();
      if (this.#isAway(peer) || delivered.released || this.#weather.strikes('redelivery', 0.05)) return true;
      queue.settle(delivered.token, { kind: 'complete' });
      return true;
    } finally {
      forget();
      if (!this.#isAway(peer)) leave();
    }
  }

  #link(peer: BusPeer, end: (why: 'cut' | 'died') => void): () => void {
    const links = this.#links.get(peer) ?? new Set();
    this.#links.set(peer, links.add(end));
    return () => links.delete(end);
  }
}
