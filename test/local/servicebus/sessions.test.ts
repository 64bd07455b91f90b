// What test/conformance/servicebus does not say of sessions: the broker's own choices, seen from inside.
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/clock.js';
import type { QueueSpec } from '../../../local/servicebus/spec.js';
import { withBroker } from './fixture.js';

const queue: QueueSpec = { name: 'q', requiresSession: true, lockDurationSeconds: 30 };

describe('a queue with sessions, with the client of Azure', () => {
  it('leaves no lock to a receiver whose wait for a session has ended', async () => {
    const clock = new VirtualClock(Date.now());
    await withBroker(
      [queue],
      async ({ client, bus }) => {
        // Each of the client's tries waits for as long as it asked for.
        const timer = setInterval(() => clock.advanceBy(1_000), 5);
        await expect(client.acceptNextSession('q')).rejects.toMatchObject({ code: 'ServiceTimeout' });
        clearInterval(timer);
        await client.createSender('q').sendMessages({ body: 1, sessionId: 'a' });
        expect(bus.engine.queue('q').sessions?.locks()).toEqual([]);
      },
      { clock },
    );
  });

  it('gives each waiting receiver a session of its own, in the order they became ready', async () => {
    await withBroker([queue], async ({ client }) => {
      const sender = client.createSender('q');
      for (const sessionId of ['b', 'a', 'b', 'c']) await sender.sendMessages({ body: 1, sessionId });
      const ids: string[] = [];
      for (let at = 0; at < 3; at++) ids.push((await client.acceptNextSession('q')).sessionId);
      expect(ids).toEqual(['b', 'a', 'c']);
    });
  });

  it('frees the session when the client’s connection is gone', async () => {
    await withBroker([queue], async ({ client, bus }) => {
      await client.createSender('q').sendMessages({ body: 1, sessionId: 'a' });
      const session = await client.acceptNextSession('q');
      bus.faults.inject({ kind: 'drop' });
      expect(bus.engine.queue('q').sessions?.locks()).toEqual([]);
      await expect.poll(() => session.isClosed).toBe(true);
      const next = await client.acceptNextSession('q');
      expect(next.sessionId).toBe('a');
    });
  });
});
