import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ServiceBusClient } from '@azure/service-bus';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { killRounds, timeFor } from '../effort.js';

const MAIN = path.resolve('dist/local/servicebus/main.js');
const KILLS = killRounds(3);
let folder: string;
let config: string;
let running: ChildProcess[] = [];

interface Ready {
  readonly port: number;
  readonly connectionString: string;
}

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'service-bus-'));
  config = path.join(folder, 'queues.json');
  writeFileSync(config, JSON.stringify({ queues: [{ name: 'q', duplicateDetectionWindowSeconds: 3_600 }] }));
});

afterEach(async () => {
  for (const child of running)
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  running = [];
  rmSync(folder, { recursive: true, force: true });
});

async function start(port = 0): Promise<{ child: ChildProcess; ready: Ready }> {
  const args = [MAIN, '--port', String(port), '--data', path.join(folder, 'data'), '--config', config];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  running.push(child);
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the broker ended with code ${String(code)} before it was ready`);
  });
  ended.catch(() => {});
  const [line] = await Promise.race([
    once(createInterface(child.stdout), 'line') as Promise<[string]>,
    ended,
  ]);
  return { child, ready: JSON.parse(line) as Ready };
}

describe('the broker as a process', () => {
  it('says that it is ready in one line, and ends with SIGTERM', async () => {
    const { child, ready } = await start();
    expect(ready).toMatchObject({ ready: true, port: expect.any(Number) as number });
    expect(ready.connectionString).toContain(`sb://127.0.0.1:${ready.port};`);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('tells the parent that forked it, and ends with it', async () => {
    const child = fork(MAIN, ['--config', config], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    running.push(child);
    const [ready] = (await once(child, 'message')) as [Ready];
    expect(ready.port).toBeGreaterThan(0);
    child.disconnect();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('names a port that is taken, and the cure', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as AddressInfo;
    const child = spawn(process.execPath, [MAIN, '--port', String(port)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    running.push(child);
    const said: Buffer[] = [];
    child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
    const [code] = (await once(child, 'close')) as [number];
    blocker.close();
    expect(code).toBe(1);
    expect(Buffer.concat(said).toString()).toMatch(new RegExp(`Port ${port} .* is taken.*another port`));
  });

  it(
    `loses nothing it acknowledged in ${KILLS} kills at random moments`,
    async () => {
      const sent = new Set<string>();
      const completed = new Set<string>();
      const received = new Set<string>();
      const cameBack = new Set<string>();
      let next = 0;
      for (let kill = 0; kill <= KILLS; kill++) {
        // A port of its own each time: others on this machine may take the one that is free for a moment.
        const { child, ready } = await start();
        const client = new ServiceBusClient(ready.connectionString, {
          retryOptions: { maxRetries: 0, timeoutInMs: 1_000 },
        });
        const isLast = kill === KILLS;
        let isOver = false;
        const sender = client.createSender('q');
        const sending = (async () => {
          while (!isOver && !isLast) {
            const messageId = `m${next++}`;
            await sender.sendMessages({ body: null, messageId });
            sent.add(messageId);
          }
        })().catch(() => {});
        const receiver = client.createReceiver('q');
        const receiving = (async () => {
          while (!isOver) {
            const messages = await receiver.receiveMessages(20, { maxWaitTimeInMs: 200 });
            if (isLast && messages.length === 0) return;
            for (const message of messages) {
              const id = String(message.messageId);
              if (completed.has(id)) cameBack.add(id);
              received.add(id);
              await receiver.completeMessage(message);
              completed.add(id);
            }
          }
        })().catch(() => {});
        if (!isLast) {
          await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 200));
          child.kill('SIGKILL');
          await once(child, 'exit');
          isOver = true;
        }
        // After a kill the client waits long for answers that nobody will give: what it still says does not count.
        if (isLast) await Promise.all([sending, receiving]);
        const closing = client.close();
        if (isLast) await closing;
        else closing.catch(() => {});
      }
      expect(sent.size).toBeGreaterThan(20);
      expect([...cameBack]).toEqual([]);
      expect([...sent].filter((id) => !received.has(id))).toEqual([]);
    },
    timeFor(KILLS, 5_000),
  );
});
