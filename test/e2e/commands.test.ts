import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../support/system.js';

// The commands behind `npm start`, `npm run demo` and `npm run cloud`, as processes.

const main = 'dist/local/main.js';
const PARTS = ['api', 'console', 'tracker', 'identity', 'service-bus', 'cosmos', 'blob'];
const ports = (taken: Record<string, number> = {}): string[] =>
  PARTS.flatMap((part) => [`--${part}-port`, String(taken[part] ?? 0)]);

/** Ids of living processes whose command line has the text (Linux). */
const processesNaming = (text: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
      } catch {
        return false; // it ended while we looked
      }
    })
    .map(Number);

describe('the commands', { timeout: 120_000 }, () => {
  let dataDir: string;

  beforeEach(() => {
    dataDir = mkdtempSync(path.join(os.tmpdir(), 'gigafactory-commands-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  it('demo: ships the sample and prints one JSON document', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [main, 'demo', '--json']);
    const result = JSON.parse(stdout) as Record<string, unknown>;
    expect(result).toMatchObject({
      ok: true,
      jobId: expect.stringMatching(/^job-/),
      branch: expect.stringMatching(/^aq\//),
      commit: expect.stringMatching(/^[0-9a-f]{40}$/),
      trackerItem: { state: 'closed' },
    });
    expect((result.stages as { stage: string }[]).map((one) => one.stage)).toEqual([
      'queued',
      'assigned',
      'building',
      'review',
      'testing',
      'shipped',
    ]);
  });

  it.each(['identity', 'cosmos', 'api'])(
    'start: names a taken port of %s with its cure, and leaves nothing behind',
    async (part) => {
      const holder = createServer();
      const port = await new Promise<number>((resolve) => {
        holder.listen(0, '127.0.0.1', () => resolve((holder.address() as { port: number }).port));
      });
      try {
        const failed = (await promisify(execFile)(process.execPath, [
          main,
          'start',
          '--data',
          dataDir,
          ...ports({ [part]: port }),
        ]).catch((error: unknown) => error)) as { code: number; stderr: string };
        expect(failed.code).toBe(1);
        expect(failed.stderr).toContain(`Port ${port}`);
        expect(failed.stderr).toContain(`--${part}-port`);
        expect(processesNaming(dataDir)).toEqual([]);
      } finally {
        holder.close();
      }
    },
  );

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'start: %s in the middle of a run stops all of it and leaves nothing',
    async (signal) => {
      const child = spawn(process.execPath, [main, 'start', '--data', dataDir, ...ports()], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let said = '';
      child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
      const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
      await until(
        'a running job',
        () => Promise.resolve(said.includes('building') ? true : undefined),
        () => said,
      );
      const asked = performance.now();
      child.kill(signal);
      expect(await ended).toBe(0);
      expect(performance.now() - asked).toBeLessThan(10_000);
      expect(processesNaming(dataDir)).toEqual([]);
      expect(readdirSync(path.join(dataDir, 'factories', 'factory-1', 'worktrees'))).toEqual([]);
    },
  );

  it('start: takes no second one on the same folder', async () => {
    const child = spawn(
      process.execPath,
      [main, 'start', '--data', dataDir, '--factories', '0', '--no-sample', ...ports()],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = new Promise((resolve) => child.once('exit', resolve));
    try {
      await until(
        'the first to be ready',
        () => Promise.resolve(said.includes('console') ? true : undefined),
        () => said,
      );
      const second = (await promisify(execFile)(process.execPath, [
        main,
        'start',
        '--data',
        dataDir,
        ...ports(),
      ]).catch((error: unknown) => error)) as { code: number; stderr: string };
      expect(second.code).toBe(1);
      expect(second.stderr).toContain(`process ${child.pid}`);
    } finally {
      child.kill('SIGTERM');
      await ended;
    }
  });

  it('cloud: prints one line of connection strings and takes the queues of a Config.json', async () => {
    const child = spawn(
      process.execPath,
      [
        main,
        'cloud',
        '--data',
        dataDir,
        '--json',
        '--service-bus-port',
        '0',
        '--cosmos-port',
        '0',
        '--blob-port',
        '0',
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const line = await new Promise<string>((resolve) =>
      child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString())),
    );
    expect(JSON.parse(line)).toEqual({
      serviceBus: expect.stringContaining('Endpoint=sb://'),
      cosmos: expect.stringContaining('AccountEndpoint='),
      blob: expect.stringContaining('BlobEndpoint='),
    });
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(processesNaming(dataDir)).toEqual([]);
  });
});
