import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/clock.js';
import { signSas, verifySas } from '../../../local/servicebus/auth.js';
import type { Broker } from '../../../local/servicebus/broker.js';
import { putToken } from '../../../local/servicebus/cbs.js';
import { Engine } from '../../../local/servicebus/engine.js';
import { Faults } from '../../../local/servicebus/faults.js';
import type { Request } from '../../../local/servicebus/requests.js';
import { withBroker } from './fixture.js';

const key = { name: 'root', value: 'c2VjcmV0' };
const now = Date.UTC(2026, 0, 1);

function sign(resource: string, expirySeconds: number, by = key): string {
  const sr = encodeURIComponent(resource);
  const sig = createHmac('sha256', by.value).update(`${sr}\n${expirySeconds}`).digest('base64');
  return `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(sig)}&se=${expirySeconds}&skn=${by.name}`;
}

describe('a shared access signature', () => {
  const until = now / 1_000 + 60;
  const queue = 'sb://localhost/jobs';

  it('opens its resource and what is below, until it expires', () => {
    expect(verifySas(sign(queue, until), key, queue, now)).toBe(now + 60_000);
    expect(verifySas(sign('sb://localhost/', until), key, `${queue}/$management`, now)).toBe(now + 60_000);
    expect(verifySas(sign(queue, until), key, 'sb://LOCALHOST/Jobs/$DeadLetterQueue', now)).toBe(
      now + 60_000,
    );
  });

  it('is made here as the clients make it', () => {
    expect(signSas(key, queue, now + 60_000)).toBe(sign(queue, until));
  });

  it.each([
    ['a wrong key', sign(queue, until, { ...key, value: 'd3Jvbmc=' }), /signature is wrong/],
    ['an unknown key name', sign(queue, until, { ...key, name: 'other' }), /no key named/],
    ['an expired token', sign(queue, now / 1_000), /expired/],
    ['a token for another queue', sign('sb://localhost/other', until), /another resource/],
    [
      'a token for a queue whose name only begins the same',
      sign('sb://localhost/job', until),
      /another resource/,
    ],
    ['a changed expiry', sign(queue, until).replace(`se=${until}`, `se=${until + 1}`), /signature is wrong/],
    ['something else', 'Bearer x', /no shared access signature/],
    ['nothing', '', /no shared access signature/],
    ['bad escapes', 'SharedAccessSignature sr=%&sig=%&se=%&skn=root', /signature is wrong/],
  ])('is refused if it is %s', (_what, token, why) => {
    expect(() => verifySas(token, key, queue, now)).toThrow(why);
  });
});

describe('a JSON web token', () => {
  const request: Request = {
    operation: 'put-token',
    properties: new Map([
      ['name', 'sb://localhost/q'],
      ['type', 'jwt'],
    ]),
    body: 'the token',
    rawBody: undefined,
    replyTo: '',
    messageId: undefined,
  };
  const broker = (verifyJwt: Broker['verifyJwt']): Broker => {
    const engine = new Engine({ clock: new VirtualClock(now) });
    const faults = new Faults(engine, { dropAll() {}, dropOne() {}, skewClock() {} });
    return { engine, faults, clock: engine.clock, key, verifyJwt, flushed: () => undefined, log: () => {} };
  };

  it('opens what the verifier says, asked for the resource', async () => {
    const asked: string[] = [];
    const verify = async (token: string, resource: string): Promise<void> => {
      asked.push(token, resource);
    };
    const granted = await putToken(request, broker(verify));
    expect(granted).toEqual({ resource: 'sb://localhost/q', expiresAt: now + 3_600_000 });
    expect(asked).toEqual(['the token', 'sb://localhost/q']);
  });

  it('is refused if the verifier refuses it, or where there is none', async () => {
    const refuse = async (): Promise<void> => {
      throw new Error('wrong issuer');
    };
    await expect(putToken(request, broker(refuse))).rejects.toThrow(/wrong issuer/);
    await expect(putToken(request, broker(undefined))).rejects.toThrow(/not configured/);
  });

  it('opens the administration too', async () => {
    const verifyJwt = async (token: string): Promise<void> => {
      if (token !== 'good') throw new Error('bad token');
    };
    await withBroker(
      [{ name: 'q' }],
      async ({ bus }) => {
        const ask = (token: string): Promise<Response> =>
          fetch(`http://127.0.0.1:${bus.port}/q`, { headers: { authorization: `Bearer ${token}` } });
        expect((await ask('good')).status).toBe(200);
        expect((await ask('bad')).status).toBe(401);
      },
      { verifyJwt },
    );
  });
});

describe('the broker', () => {
  it('refuses faults to those without a key', async () => {
    await withBroker([{ name: 'q' }], async ({ bus }) => {
      const answer = await fetch(`http://127.0.0.1:${bus.port}/$faults`, {
        method: 'POST',
        body: '{"kind":"drop"}',
      });
      expect(answer.status).toBe(401);
    });
  });

  it('answers a peer that speaks another protocol with its own, and hangs up', async () => {
    await withBroker([], async ({ bus }) => {
      const socket = connect(bus.port, '127.0.0.1');
      socket.write(Buffer.from('AMQP\x00\x00\x09\x01', 'latin1'));
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      await new Promise((resolve) => socket.on('close', resolve));
      expect(Buffer.concat(chunks).toString('latin1')).toBe('AMQP\x00\x01\x00\x00');
    });
  });
});
