// A factory works in its folder while the control plane is away, is killed while it hands its work over, and starts again.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { JobDetail } from '../../shared/contract/api.js';
import { jobIdOf } from '../../shared/jobId.js';
import { aq, git, reach, startTestSystem, until } from '../support/system.js';

/** The way to the control plane, which can be cut, and which can lose one answer. */
class Wire {
  private readonly server: net.Server;
  private readonly sockets = new Set<net.Socket>();
  private port = 0;
  /** Called instead of passing on the answer to a request with these words. */
  loseAnswerTo: { words: string; instead: () => void } | undefined;

  constructor(target: number) {
    this.server = net.createServer((near) => {
      const far = net.connect(target, '127.0.0.1');
      let isLost = false;
      for (const socket of [near, far]) {
        this.sockets.add(socket);
        socket
          .on('error', () => {})
          .on('close', () => (near.destroy(), far.destroy(), this.sockets.delete(socket)));
      }
      near.on('data', (bytes) => {
        if (this.loseAnswerTo && bytes.includes(this.loseAnswerTo.words)) isLost = true;
        far.write(bytes);
      });
      far.on('data', (bytes) => {
        if (!isLost) return void near.write(bytes);
        this.loseAnswerTo?.instead();
        this.loseAnswerTo = undefined;
      });
    });
  }

  async open(): Promise<string> {
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as net.AddressInfo).port;
    return `http://127.0.0.1:${this.port}/api`;
  }

  async cut(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}

it(
  'hands over what was done during an outage exactly once, also when it is killed in the middle',
  { timeout: 180_000 },
  async () => {
    const { system, dispose } = await startTestSystem({ factories: 0 });
    const home = mkdtempSync(path.join(os.tmpdir(), 'gigafactory-offline-'));
    const wire = new Wire(Number(new URL(system.apiUrl).port));
    const children: ChildProcess[] = [];
    try {
      const apiUrl = await wire.open();
      const folder = path.join(home, 'jobs');
      mkdirSync(path.join(folder, 'inbox'), { recursive: true });
      let said = '';
      const start = async (enrolment?: string): Promise<ChildProcess> => {
        const args = [
          '--name',
          'laptop',
          '--data',
          path.join(home, 'data'),
          '--folder',
          folder,
          '--product',
          'sample',
        ];
        const child = spawn(process.execPath, [path.resolve('dist/factory/main.js'), ...args], {
          stdio: ['ignore', 'pipe', 'pipe'],
          env: {
            PATH: process.env['PATH'] ?? '',
            HOME: home,
            AQ_FLEET_ROUTE: 'poll',
            GIGAFACTORY_API: apiUrl,
            ...(enrolment === undefined ? {} : { GIGAFACTORY_ENROLMENT: enrolment }),
          },
        });
        children.push(child);
        child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
        const isReady = await Promise.race([
          once(child.stdout, 'data').then(() => true),
          once(child, 'exit'),
        ]);
        if (isReady !== true) throw new Error(`the factory ended: ${said}`);
        return child;
      };
      const { enrolmentToken } = (await system.api('POST', 'enrolments', { products: ['sample'] })) as {
        enrolmentToken: string;
      };
      const first = await start(enrolmentToken);

      await wire.cut();
      const text = `---\nengine: shell\nrepo: ${system.sampleRepository}\nverify: cat OFFLINE.md\n---\necho from the train | tee OFFLINE.md\n`;
      writeFileSync(path.join(folder, 'inbox', 'train.md'), text);
      const inTesting = path.join(folder, 'testing', 'train.md');
      await until(
        'the job to be done in the folder',
        async () => existsSync(inTesting) || undefined,
        () => said,
      );

      const killed = once(first, 'exit');
      wire.loseAnswerTo = {
        words: 'POST /api/fleet/products/sample/handover',
        instead: () => first.kill('SIGKILL'),
      };
      await wire.open();
      await killed;
      const jobId = jobIdOf('sample', 'train');
      const before = await reach(system, jobId, 'testing');

      await start();
      const log = await until('the log of the run', async () => {
        const { stdout } = await aq(system, 'logs', jobId);
        return stdout.includes('from the train') ? stdout : undefined;
      });
      expect(log).toContain('from the train');
      const after = (await system.api('GET', `jobs/${jobId}`)) as JobDetail;
      expect(after.events).toEqual(before.events);
      expect(after.events.map(({ body }) => body.kind)).toEqual([
        'job.submitted',
        'job.assigned',
        'run.started',
        'run.finished',
        'run.verified',
        'job.handed-over',
      ]);
      expect((await aq(system, 'ship', jobId)).code).toBe(0);
      await reach(system, jobId, 'shipped');
      expect(await git(system.sampleRepository, 'show', 'main:OFFLINE.md')).toBe('from the train');
      expect((await aq(system, 'audit', 'verify', jobId)).code).toBe(0);
    } finally {
      await Promise.all(
        children
          .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
          .map(async (child) => {
            const ended = once(child, 'exit');
            child.kill('SIGTERM');
            await ended;
          }),
      );
      await wire.cut();
      await dispose();
      rmSync(home, { recursive: true, force: true });
    }
  },
);
