import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startConsole, type ConsoleSite } from '../../local/console.js';

let folder: string;
let site: ConsoleSite;
const config: Record<string, string> = {};

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'console-'));
  await mkdir(path.join(folder, 'web', 'assets'), { recursive: true });
  await writeFile(path.join(folder, 'secret.txt'), 'secret');
  await writeFile(path.join(folder, 'web', 'index.html'), '<h1>page</h1>');
  await writeFile(path.join(folder, 'web', 'assets', 'main-1a2b.js'), 'export {}');
  site = await startConsole({ root: path.join(folder, 'web'), config });
});
afterAll(async () => {
  await site.close();
  await rm(folder, { recursive: true, force: true });
});

/** As sent on the wire: fetch would tidy the dots away. */
const raw = (target: string, method = 'GET'): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    request({ port: site.port, host: '127.0.0.1', path: target, method }, (answer) => {
      let body = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => (body += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
    })
      .on('error', reject)
      .end();
  });

it('serves files with their types, hashed ones for good', async () => {
  const script = await fetch(`${site.url}/assets/main-1a2b.js`);
  expect(script.headers.get('content-type')).toContain('text/javascript');
  expect(script.headers.get('cache-control')).toContain('immutable');
  expect(await script.text()).toBe('export {}');
});

it('answers every place within the console with the page, and a missing file with 404', async () => {
  for (const place of ['/', '/jobs/job-0123456789abcdef', '/fleet?pool=default']) {
    const page = await fetch(site.url + place);
    expect([page.status, await page.text()]).toEqual([200, '<h1>page</h1>']);
    expect(page.headers.get('cache-control')).toBe('no-cache');
  }
  expect((await fetch(`${site.url}/assets/gone.js`)).status).toBe(404);
});

it('tells the settings as they are at that moment', async () => {
  config['apiUrl'] = 'http://127.0.0.1:7071/api';
  expect(await (await fetch(`${site.url}/config.json`)).json()).toEqual(config);
});

it('never leaves its folder', async () => {
  for (const target of [
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/%00.txt',
    '/%zz',
    '//secret.txt',
  ]) {
    const answer = await raw(target);
    expect(answer.body).not.toBe('secret');
    expect([400, 404]).toContain(answer.status);
  }
});

it('only reads', async () => {
  expect((await raw('/', 'POST')).status).toBe(405);
  expect(await raw('/', 'HEAD')).toEqual({ status: 200, body: '' });
});

it('says how to build a console that is not built', async () => {
  const empty = await startConsole({ root: path.join(folder, 'nowhere'), config });
  try {
    const answer = await fetch(empty.url);
    expect([answer.status, await answer.text()]).toEqual([
      503,
      'The console is not built: run npm run build.\n',
    ]);
  } finally {
    await empty.close();
  }
});
