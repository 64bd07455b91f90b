import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { ServiceBusClient } from '@azure/service-bus';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../../local/clock.js';
import type { Broker } from '../../../../local/servicebus/broker.js';
import { Client } from '../../../../local/servicebus/client.js';
import { DecodeError } from '../../../../local/servicebus/amqp/reader.js';
import { decodeBatch, decodeMessage, encodeMessage } from '../../../../local/servicebus/amqp/message.js';
import { ServiceBusError } from '../../../../local/servicebus/errors.js';
import { manage } from '../../../../local/servicebus/management.js';
import { decodeRequest, encodeResponse } from '../../../../local/servicebus/requests.js';
import { Engine } from '../../../../local/servicebus/engine.js';
import { Faults } from '../../../../local/servicebus/faults.js';
import { startServiceBus } from '../../../../local/servicebus/server.js';
import { fuzzRuns, timeFor } from '../../effort.js';

/** On real connections, which mostly end with the first one. */
const MUTATED_FRAMES = fuzzRuns(6_000);
/** Straight into the decoders. */
const MUTATED_MESSAGES = fuzzRuns(100_000);
const HEADER_BYTES = 8;
const OPERATIONS = [
  'renew-lock',
  'schedule-message',
  'cancel-scheduled-message',
  'peek-message',
  'receive-by-sequence-number',
  'update-disposition',
  'renew-session-lock',
  'get-session-state',
  'set-session-state',
  'get-message-sessions',
];
const queues = [{ name: 'q' }, { name: 's', requiresSession: true }];
const key = { name: 'RootManageSharedAccessKey', value: 'c2VjcmV0' };

/** What a client sends while it uses everything: the protocol headers, then frame by frame. */
async function recordTraffic(): Promise<Buffer[]> {
  const bus = await startServiceBus({ queues, key });
  const sent: Buffer[] = [];
  const sockets: Socket[] = [];
  const proxy = createServer((socket) => {
    const upstream = connect(bus.port, '127.0.0.1');
    sockets.push(socket, upstream);
    for (const end of sockets) end.on('error', () => end.destroy());
    socket.on('data', (chunk: Buffer) => sent.push(chunk));
    socket.pipe(upstream).pipe(socket);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as AddressInfo;
  const client = new ServiceBusClient(bus.connectionString.replace(String(bus.port), String(port)));
  const sender = client.createSender('q');
  await sender.sendMessages([
    { body: 1, applicationProperties: { a: 1 } },
    { body: 2, timeToLive: 1_000 },
  ]);
  const receiver = client.createReceiver('q');
  const [first, second] = await receiver.receiveMessages(2, { maxWaitTimeInMs: 1_000 });
  await receiver.abandonMessage(first!, { b: 2 });
  await receiver.deadLetterMessage(second!, { deadLetterReason: 'r', deadLetterErrorDescription: 'd' });
  await client.createSender('s').sendMessages({ body: 1, sessionId: 'a' });
  await (await client.acceptNextSession('s')).receiveMessages(1, { maxWaitTimeInMs: 1_000 });
  await client.close();
  proxy.close();
  for (const socket of sockets) socket.destroy();
  await bus.close();

  const bytes = Buffer.concat(sent);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = bytes.toString('latin1', at, at + 4) === 'AMQP' ? HEADER_BYTES : bytes.readUInt32BE(at);
    parts.push(bytes.subarray(at, at + size));
    at += size;
  }
  return parts;
}

class Wire extends Duplex {
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: unknown, done: () => void): void {
    done();
  }
}

/** Small and seeded: the same frames in every run. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function mutate(frame: Buffer, random: (below: number) => number): Buffer {
  const bytes = Buffer.from(frame);
  for (let changes = 1 + random(3); changes > 0; changes--) {
    const at = random(bytes.length);
    const kind = random(4);
    if (kind === 0) bytes[at] = random(256);
    else if (kind === 1) bytes[at]! ^= 1 << random(8);
    else if (kind === 2) bytes.copy(bytes, at, random(bytes.length));
    else bytes[at] = [0x00, 0x40, 0x45, 0x53, 0x98, 0xb0, 0xd0, 0xd1, 0xf0, 0xff][random(10)]!;
  }
  return bytes;
}

/** Mostly with an honest length, so that what is inside is looked at. */
function mutateFrame(frame: Buffer, random: (below: number) => number): Buffer {
  const bytes = mutate(frame, random);
  if (random(10) > 0) bytes.writeUInt32BE(bytes.length, 0);
  return bytes;
}

describe('the AMQP front', () => {
  it(
    `outlives ${MUTATED_FRAMES} mutated frames: each gets an error or is passed over`,
    async () => {
      const traffic = await recordTraffic();
      const random = randomOf(42);
      const clock = new VirtualClock(Date.now());
      const engine = new Engine({ clock });
      for (const spec of queues) engine.createQueue(spec);
      const bugs: string[] = [];
      const broker: Broker = {
        engine,
        clock,
        key,
        faults: new Faults(engine, { dropAll() {}, dropOne() {}, skewClock() {} }),
        verifyJwt: undefined,
        flushed: () => undefined,
        log: (line) => bugs.push(line),
      };
      let closed = 0;
      for (let sent = 0; sent < MUTATED_FRAMES;) {
        const wire = new Wire();
        let isOpen = true;
        new Client(broker, wire, () => {
          isOpen = false;
          closed++;
        });
        wire.on('finish', () => {
          isOpen = false;
        });
        // A real conversation up to some point, then mutated frames of it in between.
        const until = random(traffic.length);
        for (let at = 0; at < traffic.length && isOpen && !wire.writableEnded; at++) {
          if (at >= until) {
            wire.emit('data', mutateFrame(traffic[at]!, random));
            sent++;
          } else wire.emit('data', traffic[at]);
          // Replies to requests are promises: let them come, so that tokens are taken and links open.
          if (at % 4 === 0) await Promise.resolve();
        }
        await new Promise(setImmediate);
        wire.destroy();
      }
      await new Promise(setImmediate);
      expect(bugs).toEqual([]);
      expect(closed).toBeGreaterThan(MUTATED_FRAMES / 10);
      const seen: unknown[] = [];
      const queue = engine.queue('q');
      const receiver = queue.openReceiver('receiveAndDelete', ({ messageId }) => seen.push(messageId));
      queue.demand(receiver, 1e9);
      queue.send([{ messageId: 'still alive', payload: new Uint8Array() }]);
      expect(seen.at(-1)).toBe('still alive');
    },
    timeFor(MUTATED_FRAMES, 5),
  );

  it(
    `outlives ${MUTATED_MESSAGES} mutated messages and requests`,
    async () => {
      const random = randomOf(7);
      const engine = new Engine({ clock: new VirtualClock() });
      const queue = engine.createQueue({ name: 'q', requiresSession: true });
      const frames = (await recordTraffic()).filter((frame) => frame.length > 60);
      // Messages and requests start somewhere in a transfer frame; sections are found by their first bytes.
      const messages = frames.flatMap((frame) => {
        const from = frame.indexOf(Buffer.from([0x00, 0x53, 0x70]));
        return from < 0 ? [] : [frame.subarray(from)];
      });
      expect(messages.length).toBeGreaterThan(5);
      let refused = 0;
      for (let at = 0; at < MUTATED_MESSAGES; at++) {
        const bytes = mutate(messages[at % messages.length]!, random);
        try {
          if (at % 3 === 0) queue.send([{ ...decodeMessage(bytes), sessionId: 's' }]);
          else if (at % 3 === 1) queue.send(decodeBatch(bytes));
          else {
            const request = decodeRequest(bytes);
            const operation = OPERATIONS[random(OPERATIONS.length)]!;
            encodeResponse(request, manage(queue, { ...request, operation }), false);
          }
        } catch (error) {
          if (!(error instanceof DecodeError || error instanceof ServiceBusError)) throw error;
          refused++;
        }
      }
      expect(refused).toBeGreaterThan(MUTATED_MESSAGES / 100);
      // What was taken can be delivered.
      const session = queue.sessions!.accept('s', 'me', () => {});
      let delivered = 0;
      const receiver = queue.openReceiver(
        'receiveAndDelete',
        (message) => {
          delivered += encodeMessage(message).length;
        },
        session,
      );
      queue.demand(receiver, MUTATED_MESSAGES);
      expect(delivered).toBeGreaterThan(0);
    },
    timeFor(MUTATED_MESSAGES, 1),
  );
});
