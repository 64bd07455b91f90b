import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { openLogFile } from '../../local/logFile.js';

it('a log file that cannot be written is told once, costs its lines alone, and goes on when it can', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'log-file-'));
  try {
    const file = path.join(folder, 'start.log');
    mkdirSync(file);
    const trouble: string[] = [];
    const log = openLogFile(file, (message) => trouble.push(message), 20);
    for (let round = 0; round < 3; round++) {
      log('lost');
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    expect(trouble).toEqual([expect.stringMatching(/start\.log cannot be written \(EISDIR.*not kept/)]);
    rmdirSync(file);
    const text = (): string => {
      log('kept');
      try {
        return readFileSync(file, 'utf8');
      } catch {
        return '';
      }
    };
    await expect.poll(text, { interval: 30 }).toMatch(/^\S+Z kept\n/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
