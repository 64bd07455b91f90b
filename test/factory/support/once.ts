/** A factory in a process of its own, for one run. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

/** @returns its exit code and what it logged */
export async function runOnce(home: string, env: Record<string, string>) {
  const main = path.resolve('dist/factory/main.js');
  const args = [main, '--name', 'laptop', '--once', '--data', path.join(home, 'data')];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', HOME: home, ...env },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, said };
}
