import { afterEach, beforeEach, expect, test } from 'vitest';
import { Deferred } from '../../../factory/deferred.js';
import { RunLease, type LeaseEnd } from '../../../factory/runs/lease.js';
import { AppError } from '../../../shared/errors.js';
import { ControlPlane, type SeenRun } from '../support/controlPlane.js';

const JOB = 'job-0000000000000001';

let plane: ControlPlane;
let seen: SeenRun;
let lease: RunLease;
let ended: Deferred<LeaseEnd>;
let drains: number;

beforeEach(async () => {
  plane = await ControlPlane.start();
  plane.epochs.set(JOB, 1);
  seen = plane.run({ job: { jobId: JOB }, run: { epoch: 1 } });
  ended = new Deferred();
  drains = 0;
});
afterEach(async () => {
  lease.stop();
  await plane[Symbol.asyncDispose]();
});

function hold(seconds: number): RunLease {
  lease = new RunLease({
    coordinator: plane.client,
    jobId: JOB,
    epoch: 1,
    seconds,
    running: () => 2,
    onEnd: (end) => ended.resolve(end),
    onDrain: () => (drains += 1),
  });
  return lease;
}

test('is renewed again and again', async () => {
  hold(1.5);
  await plane.until(() => seen.renewals === 2);
  expect(await lease.confirm()).toBe(true);
});

test('ends with the epoch', async () => {
  hold(0.3);
  plane.epochs.set(JOB, 2);
  expect(await ended.promise).toMatchObject({ kind: 'lost', message: 'epoch 1 is over' });
});

test('survives renewals that do not get through while there is time', async () => {
  let failures = 2;
  plane.onRequest = () => {
    if (failures-- > 0) throw new AppError('unavailable', 'away');
  };
  hold(5);
  expect(await lease.confirm()).toBe(true);
  expect(seen.renewals).toBe(1);
});

test('ends when the control plane does not even answer', async () => {
  plane.onRequest = () => new Promise(() => {});
  hold(0.3);
  expect(await ended.promise).toMatchObject({ kind: 'lost' });
  expect(await lease.confirm()).toBe(false);
});

test('is not confirmed by an answer that is read after its end', async () => {
  let now = 0;
  let asked = 0;
  lease = new RunLease({
    coordinator: {
      renewLease: () => {
        asked += 1;
        if (asked > 1) return Promise.reject(new AppError('stale-epoch', 'epoch 1 is over'));
        now += 60_000; // the process stood still while the answer lay in its socket
        return Promise.resolve({ expiresAt: '2026-01-01T00:00:30.000Z', directives: [] });
      },
    },
    jobId: JOB,
    epoch: 1,
    seconds: 30,
    running: () => 1,
    onEnd: (end) => ended.resolve(end),
    onDrain: () => {},
    // Only the pause before the second question ends.
    pace: {
      now: () => now,
      random: () => 0,
      pause: (ms) => (ms === 0 ? Promise.resolve() : new Promise(() => {})),
    },
  });
  expect(await lease.confirm()).toBe(false);
  expect(await ended.promise).toMatchObject({ kind: 'lost' });
});

test('passes on that the run or the whole factory must stop', async () => {
  plane.directives = ['drain'];
  hold(10);
  expect(await lease.confirm()).toBe(true);
  expect(drains).toBe(1);
  plane.directives = ['stop'];
  expect(await lease.confirm()).toBe(false);
  expect(await ended.promise).toEqual({ kind: 'stop' });
});

test('says nothing after it was let go', async () => {
  hold(10);
  plane.epochs.set(JOB, 2);
  const asked = lease.confirm();
  lease.stop();
  expect(await asked).toBe(false);
  expect(await Promise.race([ended.promise, Promise.resolve('silent')])).toBe('silent');
});
