import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimDataDir } from '../../local/dataDir.js';
import { UsageError } from '../../local/usageError.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'data-dir-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const inFolder = (...names: string[]): string => path.join(folder, ...names);

describe('a data folder', () => {
  it('that is new or empty is made ours, and with --reset loses what it holds, but not before', async () => {
    await claimDataDir(inFolder('new', 'deep'))();
    writeFileSync(inFolder('new', 'deep', 'secrets.json'), '{}');
    await claimDataDir(inFolder('new', 'deep'))();
    expect(existsSync(inFolder('new', 'deep', 'secrets.json'))).toBe(true);
    await claimDataDir(inFolder('new', 'deep'), { reset: true })();
    expect(readdirSync(inFolder('new', 'deep'))).toEqual(['gigafactory.txt']);
    await claimDataDir(folder.replace(/$/, '-empty'))();
    rmSync(`${folder}-empty`, { recursive: true });
  });

  it.each([false, true])('with a stranger’s files is refused and left alone (--reset %s)', (reset) => {
    for (const name of ['thesis.md', 'a', 'b', 'c', 'gigafactory.txt'])
      writeFileSync(inFolder(name), 'only copy');
    const claim = () => claimDataDir(folder, { reset });
    expect(claim).toThrow(UsageError);
    expect(claim).toThrow(/holds files that are not the gigafactory's \(a, b, c, …\).*--data/s);
    expect(readdirSync(folder)).toEqual(['a', 'b', 'c', 'gigafactory.txt', 'thesis.md']);
  });

  it.each([
    ['cosmos', 'cosmos.journal'],
    ['servicebus', 'messages.journal'],
  ])('from before there was a marker is known by its journal of %s', async (service, journal) => {
    mkdirSync(inFolder('cloud', service), { recursive: true });
    writeFileSync(inFolder('cloud', service, journal), '');
    await claimDataDir(folder)();
    expect(existsSync(inFolder('gigafactory.txt'))).toBe(true);
  });

  it('that cannot be made is refused at once', () => {
    expect(() => claimDataDir('/proc/nobody/deep')).toThrow(/cannot be used.*--data/);
  });

  it('that is a file, or lies below one, is refused with its path', () => {
    writeFileSync(inFolder('file'), '');
    expect(() => claimDataDir(inFolder('file'))).toThrow(/file is a file, and a folder was expected.*--data/);
    expect(() => claimDataDir(inFolder('file', 'below'))).toThrow(/a part of its path is a file.*--data/);
  });

  it('that a living process has is refused, and --reset throws nothing away', async () => {
    await claimDataDir(folder)();
    writeFileSync(inFolder('secrets.json'), '{}');
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    try {
      writeFileSync(inFolder('pid'), String(other.pid));
      expect(() => claimDataDir(folder, { reset: true })).toThrow(`in use by process ${other.pid}`);
      expect(existsSync(inFolder('secrets.json'))).toBe(true);
    } finally {
      other.kill('SIGKILL');
      await once(other, 'exit');
    }
    await claimDataDir(folder)();
    expect(existsSync(inFolder('pid'))).toBe(false);
  });

  it.runIf(process.platform === 'linux')(
    'is free when its holder died and another process got the same id',
    async () => {
      // This test's parent lives, but it did not start one tick after the machine did.
      writeFileSync(inFolder('pid'), `${process.ppid} 1`);
      const release = claimDataDir(folder);
      expect(readFileSync(inFolder('pid'), 'utf8')).toMatch(new RegExp(`^${process.pid} \\d+$`));
      await release();
    },
  );
});
