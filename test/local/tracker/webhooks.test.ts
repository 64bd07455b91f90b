import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../../../local/clock.js';
import { startTracker, type Tracker, type TrackerOptions } from '../../../local/tracker/server.js';
import { startReceiver, type Receiver } from './receiver.js';

const SECRET = 'hook-secret';
const TOKEN = 'tracker-token';
/** Two busy cores need time; a good run does not use it. */
const PATIENT = { interval: 5, timeout: 10_000 };
let receiver: Receiver;
let dataDir: string;
let clock: VirtualClock;
let running: Tracker[];

beforeEach(async () => {
  receiver = await startReceiver();
  dataDir = await mkdtemp(path.join(tmpdir(), 'tracker-'));
  clock = new VirtualClock();
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((tracker) => tracker.close()));
  await receiver.close();
  await rm(dataDir, { recursive: true, force: true });
});

const start = async (change: Partial<TrackerOptions> = {}): Promise<Tracker> => {
  const tracker = await startTracker({
    repository: 'acme/calculator',
    cloneUrl: '/r/repo.git',
    token: TOKEN,
    webhook: { url: receiver.url, secret: SECRET },
    dataDir,
    clock,
    ...change,
  });
  running.push(tracker);
  return tracker;
};
const call = async (tracker: Tracker, method: string, route: string, body: unknown): Promise<unknown> => {
  const answer = await fetch(`${tracker.apiUrl}/repos/acme/calculator/issues${route}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify(body),
  });
  expect(answer.ok).toBe(true);
  return answer.json();
};
/** The sender sleeps on the clock when it waits for its next attempt. */
const nextAttempt = async (): Promise<number> => {
  await vi.waitFor(() => expect(clock.nextAt()).toBeDefined(), PATIENT);
  const wait = (clock.nextAt() ?? 0) - clock.now();
  clock.advanceBy(wait);
  return wait;
};

describe('a webhook', () => {
  it('tells of a labelled new item as GitHub does: opened, then labeled once a label', async () => {
    const tracker = await start();
    await call(tracker, 'POST', '', { title: 'Do it', body: 'Text', labels: ['agent:run', 'engine:shell'] });
    await receiver.until(3);
    expect(receiver.received.map(({ payload }) => [payload.action, payload.label?.name])).toEqual([
      ['opened', undefined],
      ['labeled', 'agent:run'],
      ['labeled', 'engine:shell'],
    ]);
    expect(receiver.received[0]?.payload).toMatchObject({
      issue: {
        number: 1,
        title: 'Do it',
        body: 'Text',
        state: 'open',
        html_url: `${tracker.url}/acme/calculator/issues/1`,
        labels: [{ name: 'agent:run' }, { name: 'engine:shell' }],
      },
      repository: { full_name: 'acme/calculator', clone_url: '/r/repo.git', default_branch: 'main' },
      sender: { login: 'gigafactory[bot]', type: 'Bot' },
    });
  });

  it('tells of edits, labels, closing and reopening, and of nothing that changed nothing', async () => {
    const tracker = await start();
    await call(tracker, 'POST', '', { title: 'Do it', labels: ['x'] });
    await call(tracker, 'PATCH', '/1', { title: 'Do it', labels: ['X'], state: 'open' });
    await call(tracker, 'PATCH', '/1', { title: 'Do it well' });
    await call(tracker, 'POST', '/1/labels', ['agent:run']);
    await call(tracker, 'PATCH', '/1', { labels: [] });
    await call(tracker, 'PATCH', '/1', { state: 'closed' });
    await call(tracker, 'PATCH', '/1', { state: 'open' });
    await receiver.until(8);
    expect(receiver.received.slice(2).map(({ payload }) => payload.action)).toEqual([
      'edited',
      'labeled',
      'unlabeled',
      'unlabeled',
      'closed',
      'reopened',
    ]);
    expect(receiver.received[2]?.payload.changes).toEqual({ title: { from: 'Do it' } });
  });

  it('is signed over its very bytes, and every delivery has an id of its own', async () => {
    const tracker = await start();
    await call(tracker, 'POST', '', { title: 'Grüße ✓', labels: ['x'] });
    await receiver.until(2);
    for (const { headers, body } of receiver.received) {
      const signature = createHmac('sha256', SECRET).update(body).digest('hex');
      expect(headers['x-hub-signature-256']).toBe(`sha256=${signature}`);
      expect(headers['x-github-event']).toBe('issues');
      expect(headers['content-type']).toBe('application/json');
    }
    const ids = receiver.received.map(({ headers }) => headers['x-github-delivery']);
    expect(new Set(ids).size).toBe(2);
    expect(tracker.deliveries().map(({ id }) => id)).toEqual(ids);
  });

  it('names who did it: the program with the token, or the person', async () => {
    const tracker = await start();
    expect(await tracker.fileIssue({ title: 'Do it', body: 'Text', labels: [] })).toBe(1);
    await call(tracker, 'PATCH', '/1', { state: 'closed' });
    await receiver.until(2);
    expect(receiver.received.map(({ payload }) => payload.sender.login)).toEqual(['you', 'gigafactory[bot]']);
  });

  it('waits for a receiver that is away, longer each time, and keeps its id', async () => {
    const tracker = await start();
    receiver.answer = 503;
    await call(tracker, 'POST', '', { title: 'Do it' });
    expect(await nextAttempt()).toBe(250);
    expect(await nextAttempt()).toBe(500);
    await receiver.until(3);
    receiver.answer = 200;
    expect(await nextAttempt()).toBe(1000);
    await vi.waitFor(() => expect(tracker.deliveries()[0]?.status).toBe('delivered'), PATIENT);
    expect(tracker.deliveries()[0]).toMatchObject({ attempts: 4, answered: 200 });
    expect(new Set(receiver.received.map(({ headers }) => headers['x-github-delivery'])).size).toBe(1);
  });

  it('is not repeated when the receiver refuses it, until a person says redeliver', async () => {
    const lines: string[] = [];
    const tracker = await start({ log: (line) => lines.push(line) });
    receiver.answer = 401;
    await call(tracker, 'POST', '', { title: 'Do it' });
    await vi.waitFor(() => expect(tracker.deliveries()[0]?.status).toBe('refused'), PATIENT);
    expect(lines.join()).toContain('answered 401: not tried again');
    receiver.answer = 200;
    expect(tracker.redeliver('unknown')).toBe(false);
    expect(tracker.redeliver(tracker.deliveries()[0]?.id ?? '')).toBe(true);
    await receiver.until(2);
    const [first, second] = receiver.received.map(({ headers }) => headers['x-github-delivery']);
    expect(first).toBe(second);
  });
});

describe('what the tracker holds', () => {
  it('survives a restart, undelivered webhooks included', async () => {
    const before = await start({ webhook: { url: 'http://127.0.0.1:9/gone', secret: SECRET } });
    await call(before, 'POST', '', { title: 'Do it', labels: ['x'] });
    await call(before, 'POST', '/1/comments', { body: 'a comment' });
    await before.close();
    const after = await start();
    await receiver.until(2);
    expect(receiver.received.map(({ payload }) => payload.action)).toEqual(['opened', 'labeled']);
    expect(await call(after, 'POST', '', { title: 'Second' })).toMatchObject({ number: 2 });
    const comments = await fetch(`${after.apiUrl}/repos/acme/calculator/issues/1/comments`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect(await comments.json()).toMatchObject([{ body: 'a comment' }]);
  });

  it('is on disk before it is acknowledged', async () => {
    const tracker = await start();
    await Promise.all([1, 2, 3, 4].map((n) => call(tracker, 'POST', '', { title: `Item ${n}` })));
    const file = JSON.parse(await readFile(path.join(dataDir, 'tracker.json'), 'utf8')) as {
      tracked: { issues: unknown[] };
    };
    expect(file.tracked.issues).toHaveLength(4);
  });

  it('is not overwritten when its file is something else', async () => {
    await writeFile(path.join(dataDir, 'tracker.json'), '{"version":1}');
    await expect(start()).rejects.toThrow("does not hold a tracker's items");
  });
});
