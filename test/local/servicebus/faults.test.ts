import { ServiceBusClient } from '@azure/service-bus';
import { describe, expect, it } from 'vitest';
import { signSas } from '../../../local/servicebus/auth.js';
import { withBroker } from './fixture.js';

/** A client waits this long for an answer that is lost, even if the connection is gone. */
const unanswered = { timeoutInMs: 1_000 };
const soon = { maxWaitTimeInMs: 1_000 };

describe('an injected fault', () => {
  it('throttles: the client backs off and tries again', async () => {
    await withBroker([{ name: 'q' }], async ({ bus, client }) => {
      const sender = client.createSender('q');
      bus.faults.inject({ kind: 'throttle', operations: ['send'], times: 1 });
      await sender.sendMessages({ body: 1 });
      expect(bus.engine.queue('q').counts().active).toBe(1);
      bus.faults.inject({ kind: 'throttle', queue: 'q', times: 2 });
      await expect(sender.sendMessages({ body: 2 })).rejects.toMatchObject({
        errors: [{ code: 'ServiceBusy' }, { code: 'ServiceBusy' }],
      });
      expect(bus.engine.queue('q').counts().active).toBe(1);
    });
  });

  it('loses an acknowledgement after the commit: the client sends again, and only duplicate detection can tell', async () => {
    const queues = [{ name: 'q' }, { name: 'once', duplicateDetectionWindowSeconds: 60 }];
    await withBroker(
      queues,
      async ({ bus, client }) => {
        for (const [name, stored] of [
          ['q', 2],
          ['once', 1],
        ] as const) {
          bus.faults.inject({ kind: 'loseAck', queue: name, operations: ['send'], times: 1 });
          await client.createSender(name).sendMessages({ body: 1, messageId: 'm' });
          expect(bus.engine.queue(name).counts().active).toBe(stored);
        }
      },
      unanswered,
    );
  });

  it('loses the acknowledgement of a completion: the message is gone all the same', async () => {
    await withBroker(
      [{ name: 'q' }],
      async ({ bus, client }) => {
        await client.createSender('q').sendMessages({ body: 1 });
        const receiver = client.createReceiver('q');
        const [message] = await receiver.receiveMessages(1, soon);
        bus.faults.inject({ kind: 'loseAck', operations: ['settle'], times: 1 });
        await expect(receiver.completeMessage(message!)).rejects.toBeInstanceOf(Error);
        expect(bus.engine.queue('q').counts().active).toBe(0);
      },
      unanswered,
    );
  });

  it('delays answers, and ends when cleared', async () => {
    await withBroker([{ name: 'q' }], async ({ bus, client }) => {
      const sender = client.createSender('q');
      await sender.sendMessages({ body: 0 });
      bus.faults.inject({ kind: 'delay', ms: 150 });
      const started = performance.now();
      await sender.sendMessages({ body: 1 });
      expect(performance.now() - started).toBeGreaterThan(140);
      bus.faults.inject({ kind: 'clear' });
      expect(bus.faults.draw('send', 'q').delayMs).toBe(0);
    });
  });

  it('delays a new connection, and leaves those that stand alone', async () => {
    await withBroker([{ name: 'q' }], async ({ bus, client }) => {
      const sender = client.createSender('q');
      await sender.sendMessages({ body: 0 });
      bus.faults.inject({ kind: 'delay', ms: 300, operations: ['connect'], times: 1 });
      const other = new ServiceBusClient(bus.connectionString);
      try {
        const started = performance.now();
        const late = other
          .createSender('q')
          .sendMessages({ body: 2 })
          .then(() => performance.now() - started);
        await sender.sendMessages({ body: 1 });
        expect(await late).toBeGreaterThan(290);
        const bodies = (await client.createReceiver('q').peekMessages(3)).map(({ body }) => body as number);
        expect(bodies).toEqual([0, 1, 2]);
      } finally {
        await other.close();
      }
    });
  });

  it('expires locks: what was delivered is delivered again', async () => {
    await withBroker([{ name: 'q' }, { name: 's', requiresSession: true }], async ({ bus, client }) => {
      await client.createSender('q').sendMessages({ body: 1 });
      const receiver = client.createReceiver('q');
      const [message] = await receiver.receiveMessages(1, soon);
      const session = await client.acceptSession('s', 'a');
      expect(bus.faults.inject({ kind: 'expireLocks' })).toBe(2);
      const [again] = await receiver.receiveMessages(1, soon);
      expect(again?.deliveryCount).toBe(1);
      await expect(receiver.completeMessage(message!)).rejects.toMatchObject({ code: 'MessageLockLost' });
      await expect.poll(() => session.isClosed).toBe(true);
    });
  });

  it('drops every connection: the client comes back by itself', async () => {
    await withBroker([{ name: 'q' }], async ({ bus, client }) => {
      const bodies: unknown[] = [];
      client.createReceiver('q').subscribe({
        processMessage: async ({ body }) => {
          bodies.push(body);
        },
        processError: async () => {},
      });
      const sender = client.createSender('q');
      await sender.sendMessages({ body: 1 });
      await expect.poll(() => bodies).toEqual([1]);
      bus.faults.inject({ kind: 'drop' });
      const other = new ServiceBusClient(bus.connectionString);
      await other.createSender('q').sendMessages({ body: 2 });
      await other.close();
      await expect.poll(() => bodies, { timeout: 10_000 }).toEqual([1, 2]);
    });
  });

  it('meets by chance with the randomness given, and ends after its time', async () => {
    let next = 0;
    const random = (): number => [0.1, 0.9][next++ % 2]!;
    await withBroker(
      [{ name: 'q' }],
      async ({ bus }) => {
        bus.faults.inject({ kind: 'throttle', probability: 0.5, queue: 'Q' });
        const drawn = Array.from({ length: 4 }, () => bus.faults.draw('send', 'q').throttle);
        expect(drawn).toEqual([true, false, true, false]);
        expect(bus.faults.draw('send', 'other').throttle).toBe(false);
      },
      { random },
    );
  });

  it('duplicates a delivery: what the client believes completed comes once more', async () => {
    await withBroker([{ name: 'q' }], async ({ bus, client }) => {
      await client.createSender('q').sendMessages({ body: 1 });
      const receiver = client.createReceiver('q');
      bus.faults.inject({ kind: 'duplicate', queue: 'q', times: 1 });
      for (const deliveryCount of [0, 1]) {
        const [message] = await receiver.receiveMessages(1, soon);
        expect(message).toMatchObject({ body: 1, deliveryCount });
        await receiver.completeMessage(message!);
      }
      expect(bus.engine.queue('q').counts().active).toBe(0);
    });
  });

  it('cuts one client off, the chosen by chance, and leaves the others alone', async () => {
    await withBroker(
      [{ name: 'q', requiresSession: true }],
      async ({ bus }) => {
        const clients = Array.from({ length: 3 }, () => new ServiceBusClient(bus.connectionString));
        const sessions = await Promise.all(clients.map((client, at) => client.acceptSession('q', `${at}`)));
        bus.faults.inject({ kind: 'dropOne' });
        const cut = (): number => sessions.filter(({ isClosed }) => isClosed).length;
        await expect.poll(cut, { timeout: 5_000 }).toBe(1);
        expect(bus.engine.queue('q').sessions?.locks()).toHaveLength(2);
        for (const client of clients) await client.close();
      },
      unanswered,
    );
  });

  it('skews the broker’s clock: locks run out before their holder thinks so', async () => {
    await withBroker([{ name: 'q', lockDurationSeconds: 60 }], async ({ bus, client }) => {
      await client.createSender('q').sendMessages({ body: 1 });
      const receiver = client.createReceiver('q');
      const [message] = await receiver.receiveMessages(1, soon);
      bus.faults.inject({ kind: 'skewClock', ms: 61_000 });
      const [again] = await receiver.receiveMessages(1, soon);
      expect(again?.deliveryCount).toBe(1);
      await expect(receiver.completeMessage(message!)).rejects.toMatchObject({ code: 'MessageLockLost' });
    });
  });

  it('meets the same operations by the same seed', async () => {
    await withBroker([{ name: 'q' }], async ({ bus }) => {
      bus.faults.inject({ kind: 'throttle', probability: 0.5 });
      const drawnBy = (seed: number): boolean[] => {
        bus.faults.inject({ kind: 'seed', seed });
        return Array.from({ length: 32 }, () => bus.faults.draw('send', 'q').throttle);
      };
      const drawn = drawnBy(1);
      expect(drawnBy(1)).toEqual(drawn);
      expect(drawnBy(2)).not.toEqual(drawn);
    });
  });

  it('comes over HTTP too', async () => {
    await withBroker([{ name: 'q' }], async ({ bus, client }) => {
      const inject = (fault: object): Promise<Response> =>
        fetch(`http://127.0.0.1:${bus.port}/$faults`, {
          method: 'POST',
          headers: { authorization: signed(bus.connectionString) },
          body: JSON.stringify(fault),
        });
      expect((await inject({ kind: 'throttle', operations: ['send'], times: 1 })).status).toBe(200);
      expect(bus.faults.draw('send', 'q').throttle).toBe(true);
      await client.createSender('q').sendMessages({ body: 1 });
      await client.createReceiver('q').receiveMessages(1, soon);
      expect(await (await inject({ kind: 'expireLocks', queue: 'q' })).json()).toEqual({ expiredLocks: 1 });
      for (const [wrong, why] of [
        [{ kind: 'explode' }, /expected a kind of throttle, loseAck/],
        [{ kind: 'skewClock' }, /skewClock has a number 'ms'/],
        [{ kind: 'delay', ms: '5' }, /'ms' of a fault: expected a number, found "5"/],
        [{ kind: 'throttle', operations: ['sent'] }, /expected a list of connect, send, settle, manage/],
        [{ kind: 'drop', queue: 'q' }, /drop has no 'queue': expected forMs/],
        [{ kind: 'throttle', queue: 7 }, /'queue' of a fault: expected a name, found 7/],
      ] as const) {
        const refused = await inject(wrong);
        expect(refused.status).toBe(400);
        expect(await refused.text()).toMatch(why);
      }
    });
  });
});

function signed(connectionString: string): string {
  const field = (name: string): string => new RegExp(`${name}=([^;]*)`).exec(connectionString)?.[1] ?? '';
  const key = { name: field('SharedAccessKeyName'), value: field('SharedAccessKey') };
  return signSas(key, field('Endpoint'), Date.now() + 60_000);
}
