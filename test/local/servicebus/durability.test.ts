import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Long from 'long';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/clock.js';
import { Engine } from '../../../local/servicebus/engine.js';
import type { QueueSpec } from '../../../local/servicebus/spec.js';
import { openStore } from '../../../local/servicebus/store.js';
import { withBroker } from './fixture.js';

const soon = { maxWaitTimeInMs: 1_000 };
const JOURNAL = 'messages.journal';
let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'service-bus-'));
});

afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

describe('a broker with a data directory', () => {
  it('comes back with everything but the locks', async () => {
    const clock = new VirtualClock(Date.now());
    const queues: QueueSpec[] = [
      { name: 'q', duplicateDetectionWindowSeconds: 600 },
      { name: 's', requiresSession: true },
    ];
    let connectionString = '';
    await withBroker(
      queues,
      async ({ bus, client }) => {
        ({ connectionString } = bus);
        const sender = client.createSender('q');
        await sender.sendMessages(['a', 'b', 'c', 'd', 'e'].map((body) => ({ body, messageId: body })));
        await sender.scheduleMessages({ body: 'later' }, new Date(clock.now() + 60_000));
        const receiver = client.createReceiver('q');
        const [a, b, c, d] = await receiver.receiveMessages(4, soon);
        await receiver.completeMessage(a!);
        await receiver.abandonMessage(b!, { tried: 1 });
        await receiver.deferMessage(c!);
        await receiver.deadLetterMessage(d!, { deadLetterReason: 'r', deadLetterErrorDescription: 'd' });
        await receiver.receiveMessages(1, soon);
        await client.createSender('s').sendMessages({ body: 1, sessionId: 'x' });
        const session = await client.acceptSession('s', 'x');
        await session.setSessionState({ step: 1 });
        bus.engine.createQueue({ name: 'made-later' });
      },
      { clock, dataDir },
    );
    await withBroker(
      queues,
      async ({ bus, client }) => {
        const field = (from: string, name: string): string | undefined =>
          new RegExp(`${name}=([^;]*)`).exec(from)?.[1];
        expect(field(bus.connectionString, 'SharedAccessKey')).toBe(
          field(connectionString, 'SharedAccessKey'),
        );
        expect(bus.engine.has('made-later')).toBe(true);
        expect(bus.engine.queue('q').counts()).toMatchObject({ active: 3, scheduled: 1, deadLetters: 1 });
        const receiver = client.createReceiver('q');
        const [b, e] = await receiver.receiveMessages(2, soon);
        expect(b).toMatchObject({ body: 'b', deliveryCount: 1, applicationProperties: { tried: 1 } });
        expect(e).toMatchObject({ body: 'e', deliveryCount: 0 });
        const [c] = await receiver.receiveDeferredMessages(Long.fromNumber(3));
        expect(c?.body).toBe('c');
        const [letter] = await client
          .createReceiver('q', { subQueueType: 'deadLetter' })
          .receiveMessages(1, soon);
        expect(letter).toMatchObject({ body: 'd', deadLetterReason: 'r' });
        const sender = client.createSender('q');
        await sender.sendMessages({ body: 'again', messageId: 'a' });
        expect(bus.engine.queue('q').counts().active).toBe(3);
        await sender.sendMessages({ body: 'new' });
        clock.advanceBy(60_000);
        const rest = await receiver.peekMessages(9, { fromSequenceNumber: Long.fromNumber(6) });
        expect(rest.map(({ body }) => body as unknown)).toEqual(['new', 'later']);
        const session = await client.acceptNextSession('s');
        expect(await session.getSessionState()).toEqual({ step: 1 });
      },
      { clock, dataDir },
    );
  });

  it('has on disk what it acknowledged, at the moment of the acknowledgement', async () => {
    await withBroker(
      [{ name: 'q' }],
      async ({ client }) => {
        const sender = client.createSender('q');
        const receiver = client.createReceiver('q');
        for (let at = 1; at <= 20; at++) {
          await sender.sendMessages([{ body: at }, { body: -at }]);
          const [message] = await receiver.receiveMessages(1, soon);
          await receiver.completeMessage(message!);
          // A copy made now is what a kill at this moment would leave.
          const crashed = path.join(dataDir, 'crashed');
          cpSync(path.join(dataDir, JOURNAL), path.join(crashed, JOURNAL));
          const engine = new Engine({ clock: new VirtualClock(Date.now()) });
          await (await openStore(crashed, engine, () => {})).close();
          expect(engine.queue('q').counts().active).toBe(at);
        }
      },
      { dataDir },
    );
  });

  it('starts from a journal that was cut off anywhere, with what was whole', async () => {
    const engine = new Engine({ clock: new VirtualClock(0) });
    const store = await openStore(dataDir, engine, () => {});
    const queue = engine.createQueue({ name: 'q' });
    const sizes: number[] = [];
    for (let at = 0; at < 100; at++) {
      queue.send([{ messageId: `m${at}`, payload: Buffer.alloc(at) }]);
      await store.flushed();
      sizes.push(readFileSync(path.join(dataDir, JOURNAL)).length);
    }
    await store.close();
    for (let cut = sizes[0]!; cut < sizes.at(-1)!; cut += 211) {
      const crashed = path.join(dataDir, 'crashed');
      cpSync(path.join(dataDir, JOURNAL), path.join(crashed, JOURNAL));
      truncateSync(path.join(crashed, JOURNAL), cut);
      const again = new Engine({ clock: new VirtualClock(0) });
      await (await openStore(crashed, again, () => {})).close();
      expect(again.queue('q').counts().active).toBe(sizes.filter((size) => size <= cut).length);
    }
  });

  it('shortens its journal as messages go', async () => {
    const engine = new Engine({ clock: new VirtualClock(0) });
    const store = await openStore(dataDir, engine, () => {});
    const queue = engine.createQueue({ name: 'q', maxMessageBytes: 1_048_576 });
    const receiver = queue.openReceiver('receiveAndDelete', () => {});
    const payload = Buffer.alloc(1_000_000);
    for (let at = 0; at < 60; at++) {
      queue.demand(receiver, 1);
      queue.send([{ messageId: 'm', payload }]);
      await store.flushed();
    }
    await store.close();
    expect(readFileSync(path.join(dataDir, JOURNAL)).length).toBeLessThan(40_000_000);
    const again = new Engine({ clock: new VirtualClock(0) });
    const reopened = await openStore(dataDir, again, () => {});
    expect(again.queue('q').counts().active).toBe(0);
    again.queue('q').send([{ messageId: 'next', payload }]);
    // No number is used twice, although no message is left that had one.
    expect(again.queue('q').peek(0, 9).at(-1)?.seq).toBe(61);
    await reopened.close();
  });

  it('loses none of the messages that stay when it does', async () => {
    const engine = new Engine({ clock: new VirtualClock(0) });
    const store = await openStore(dataDir, engine, () => {});
    const queue = engine.createQueue({ name: 'q', maxMessageBytes: 1_048_576 });
    const payload = Buffer.alloc(500_000);
    const sizes = new Set<boolean>();
    let before = 0;
    for (let at = 1; at <= 120; at++) {
      queue.send([{ messageId: `m${at}`, payload }]);
      // Something to leave out, so that a rewrite can be told by the size.
      const receiver = queue.openReceiver('peekLock', (_, lock) =>
        queue.settle(lock!.token, { kind: 'abandon', payload }),
      );
      if (at % 8 === 0) queue.demand(receiver, 1);
      queue.closeReceiver(receiver);
      await store.flushed();
      const { size } = statSync(path.join(dataDir, JOURNAL));
      sizes.add(size < before);
      before = size;
    }
    await store.close();
    expect(sizes).toContain(true);
    const again = new Engine({ clock: new VirtualClock(0) });
    await (await openStore(dataDir, again, () => {})).close();
    const counts = again.queue('q').counts();
    expect(counts.active + counts.deadLetters).toBe(120);
  });
});
