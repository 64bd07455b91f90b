import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startProcess, type RunningProcess } from '../../local/processes.js';
import { isAlive } from './host/fixture.js';

let folder: string;
let running: RunningProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'processes-'));
});
afterEach(async () => {
  await running?.kill();
  running = undefined;
  rmSync(folder, { recursive: true, force: true });
});

/** A module of that text; it may use `lives`, how many times it was started before. */
function moduleOf(text: string): string {
  const file = path.join(folder, 'child.mjs');
  writeFileSync(
    file,
    `import fs from 'node:fs';
    const counter = ${JSON.stringify(path.join(folder, 'lives'))};
    const lives = fs.existsSync(counter) ? Number(fs.readFileSync(counter, 'utf8')) : 0;
    fs.writeFileSync(counter, String(lives + 1));
    ${text}`,
  );
  return file;
}

const READY = `console.log(JSON.stringify({ ready: true, lives, args: process.argv.slice(2) }));`;
const STAY = `setInterval(() => {}, 1000);`;

describe('a process that belongs to us', () => {
  it('is started again however often it dies, each time after a longer wait up to a limit', async () => {
    const crashes: string[] = [];
    const up: string[] = [];
    running = await startProcess({
      name: 'the part',
      module: moduleOf(`if (lives > 7) console.log('up at last'); else process.exitCode = 7;
        ${READY} if (lives > 7) ${STAY}`),
      args: [],
      restartDelaysMs: [10, 40],
      onCrash: (message) => crashes.push(message),
      onLine: (line) => up.push(line),
    });
    await expect.poll(() => up, { timeout: 15_000 }).toEqual(['up at last']);
    expect(crashes).toHaveLength(8);
    expect(crashes.slice(0, 4)).toEqual(
      [0.01, 0.02, 0.04, 0.04].map(
        (seconds) => `the part ended with code 7; starting it again in ${seconds} s`,
      ),
    );
  });

  it('gets at a restart the arguments made from its first answer, and the options of Node', async () => {
    const lines: string[] = [];
    running = await startProcess({
      name: 'the part',
      module: moduleOf(
        `console.log('trace ' + process.execArgv.join(' ') + ' ' + process.argv[2]); ${READY} ${STAY}`,
      ),
      args: ['--port=0'],
      execArgv: ['--trace-uncaught'],
      restartArgs: () => ['--port=77'],
      restartDelaysMs: [10, 10],
      onLine: (line) => lines.push(line),
    });
    process.kill(running.pid ?? 0, 'SIGKILL');
    await expect
      .poll(() => lines, { timeout: 10_000 })
      .toEqual(['trace --trace-uncaught --port=0', 'trace --trace-uncaught --port=77']);
  });

  it('stays down once it was stopped, even while it waits to be started again', async () => {
    const crashes: string[] = [];
    running = await startProcess({
      name: 'the part',
      module: moduleOf(`${READY} ${STAY}`),
      args: [],
      restartDelaysMs: [50, 50],
      onCrash: (message) => crashes.push(message),
    });
    process.kill(running.pid ?? 0, 'SIGKILL');
    await expect.poll(() => crashes.length).toBe(1);
    const { pid } = running;
    await running.stop();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(running.pid).toBe(pid);
  });

  it('fails to start with its own words', async () => {
    const module = moduleOf(`console.error('no such thing'); process.exit(3);`);
    await expect(startProcess({ name: 'the part', module, args: [] })).rejects.toThrow('no such thing');
  });

  it('is gone when we were killed and could not say so, and lets itself end before', async () => {
    const child = moduleOf(`if (process.argv[2] === 'stay') ${STAY} console.log(process.pid);`);
    const built = pathToFileURL(path.resolve('dist/local/processes.js')).href;
    const parent = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { spawn } from 'node:child_process';
         import { END_WITH_PARENT } from ${JSON.stringify(built)};
         const start = (how) => spawn(process.execPath, [...END_WITH_PARENT, ${JSON.stringify(child)}, how],
           { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
         start('end').on('exit', (code) => { console.log('ended by itself ' + code); start('stay'); });`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const lines: string[] = [];
    createInterface(parent.stdout).on('line', (line) => lines.push(line));
    await expect.poll(() => lines.length, { timeout: 15_000 }).toBe(3);
    expect(lines[1]).toBe('ended by itself 0');
    parent.kill('SIGKILL');
    await expect.poll(() => isAlive(Number(lines[2])), { timeout: 10_000 }).toBe(false);
  });
});
