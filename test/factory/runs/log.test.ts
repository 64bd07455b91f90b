import { afterEach, beforeEach, expect, test } from 'vitest';
import { RunLog } from '../../../factory/runs/log.js';
import { Redactor } from '../../../factory/runs/redact.js';
import { AppError } from '../../../shared/errors.js';
import { ControlPlane, type SeenRun } from '../support/controlPlane.js';

const JOB = 'job-0000000000000001';
const LINE = `${'x'.repeat(99)}\n`;

let plane: ControlPlane;
let seen: SeenRun;
let log: RunLog;

beforeEach(async () => {
  plane = await ControlPlane.start();
  plane.epochs.set(JOB, 1);
  seen = plane.run({ job: { jobId: JOB }, run: { epoch: 1 } });
  log = new RunLog(
    { coordinator: plane.client, jobId: JOB, epoch: 1 },
    new Redactor(['the-secret-token']).stream(),
  );
});
afterEach(() => plane[Symbol.asyncDispose]());

test('carries 5 MB in order and no more than needed requests', async () => {
  const lines: string[] = [];
  for (let i = 0; i < 50_000; i += 1) {
    const line = `${i} ${LINE}`;
    lines.push(line);
    await log.write(Buffer.from(line));
  }
  await log.end();
  expect(seen.log.equals(Buffer.from(lines.join('')))).toBe(true);
  expect(seen.logEnded).toBe(true);
  expect(seen.appends).toBeLessThan(40);
});

test('arrives while the run goes on', async () => {
  log.note('hello');
  await plane.until(() => seen.log.toString() === '[factory] hello\n');
  expect(seen.logEnded).toBe(false);
  await log.end();
});

test('closes an empty log', async () => {
  await log.end();
  expect(seen).toMatchObject({ logEnded: true, appends: 1 });
});

test('is whole although requests fail and acknowledgements are lost', async () => {
  let requests = 0;
  plane.onRequest = (_, run) => {
    requests += 1;
    if (requests % 3 === 1) throw new AppError('unavailable', 'away');
    // Taken, but the answer is lost: the same bytes come again.
    if (requests % 3 === 2 && run) {
      run.append(Buffer.from(LINE));
      throw new AppError('unavailable', 'away');
    }
  };
  await log.write(Buffer.from(LINE));
  await log.end();
  expect(seen.log.toString()).toBe(LINE);
});

test('makes the writer wait when nobody takes the log, and lets it go when the run is over', async () => {
  plane.onRequest = () => {
    throw new AppError('unavailable', 'away');
  };
  let waiting: Promise<void> | undefined;
  for (let i = 0; waiting === undefined; i += 1) {
    expect(i).toBeLessThan(130);
    waiting = log.write(Buffer.alloc(100_000));
  }
  log.stop();
  await waiting;
  await log.end();
  expect(log.write(Buffer.from(LINE))).toBeUndefined();
});

test('does not let the writer wait without end in an outage', async () => {
  plane.onRequest = () => {
    throw new AppError('unavailable', 'away');
  };
  const waiting = log.write(Buffer.alloc(13_000_000));
  expect(waiting).toBeDefined();
  await waiting;
  log.stop();
});

test('sends nothing more once the epoch is stale', async () => {
  plane.epochs.set(JOB, 2);
  await log.write(Buffer.from(LINE));
  await log.end();
  expect(seen).toMatchObject({ appends: 0, logEnded: false });
});

test('takes secrets out, also one that comes in pieces', async () => {
  for (const piece of ['a the-sec', 'ret-', 'token b the-secret-', 'story'])
    await log.write(Buffer.from(piece));
  await log.end();
  expect(seen.log.toString()).toBe('a [redacted] b the-secret-story');
});
