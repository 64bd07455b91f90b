import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { JobDetail } from '../../shared/contract/api.js';
import type { Factory } from '../../shared/contract/fleet.js';
import { until } from '../support/system.js';

const PARTS = ['api', 'console', 'tracker', 'identity', 'service-bus', 'cosmos', 'blob'];
const NAMES = ['factory-1', 'factory-2', 'factory-3'];

/** Ends only when three of its kind work at the same time. */
const meeting = (folder: string, name: string): string => `---
title: Meet as ${name}
engine: shell
timeout: 40s
verify: "true"
---
echo ${name} > ${name}.txt
echo > ${folder}/${name}
while [ "$(ls ${folder} | wc -l)" -lt 3 ]; do sleep 0.05; done
`;

describe('npm start -- --factories 3', { timeout: 120_000 }, () => {
  it('works on three jobs at the same time, one a factory, and aq factories shows the three', async () => {
    const dataDir = mkdtempSync(path.join(os.tmpdir(), 'gigafactory-three-'));
    const place = mkdtempSync(path.join(os.tmpdir(), 'gigafactory-meeting-'));
    const child = spawn(
      process.execPath,
      [
        'dist/local/main.js',
        'start',
        '--data',
        dataDir,
        '--no-sample',
        '--factories',
        '3',
        ...PARTS.flatMap((part) => [`--${part}-port`, '0']),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const aq = async (...args: string[]): Promise<string> => {
      const env = {
        ...process.env,
        GIGAFACTORY_CONNECTION: path.join(dataDir, 'connection.json'),
        NO_COLOR: '1',
      };
      return (await promisify(execFile)(process.execPath, ['cli/aq.mjs', ...args], { env })).stdout;
    };
    try {
      await until(
        'the system to be ready',
        () => Promise.resolve(said.includes('Ctrl-C stops') || undefined),
        () => said,
      );
      const listed = JSON.parse(await aq('factories', '--json')) as { factories: Factory[] };
      expect(listed.factories.map(({ id, status }) => `${id} ${status}`).toSorted()).toEqual(
        NAMES.map((name) => `${name} online`),
      );
      expect(await aq('factories')).toMatch(/factory-1[\s\S]*factory-2[\s\S]*factory-3/);

      const jobs = await Promise.all(
        ['anna', 'bert', 'carl'].map(async (name) => {
          const file = path.join(dataDir, `${name}.md`);
          writeFileSync(file, meeting(place, name));
          return JSON.parse(await aq('submit', file, '--wait', '--json')) as JobDetail;
        }),
      );
      const shown = await Promise.all(
        jobs.map(async ({ job }) => JSON.parse(await aq('show', job.jobId, '--json')) as JobDetail),
      );
      expect(shown.map(({ job }) => job.stage)).toEqual(['testing', 'testing', 'testing']);
      expect(new Set(shown.map(({ runs }) => runs[0]?.factoryId))).toEqual(new Set(NAMES));
    } finally {
      child.kill('SIGTERM');
      await ended;
      for (const folder of [dataDir, place]) rmSync(folder, { recursive: true, force: true });
    }
  });
});
