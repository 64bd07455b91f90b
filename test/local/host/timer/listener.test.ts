import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readFunction } from '../../../../local/host/functions.js';
import type { HostedFunction, TimerTrigger } from '../../../../local/host/functions.js';
import { Invoker } from '../../../../local/host/invoker.js';
import { Settings } from '../../../../local/host/settings.js';
import { NEVER, TimerListener } from '../../../../local/host/timer/listener.js';
import type { ScheduleStatus, TimerStorage } from '../../../../local/host/timer/listener.js';
import type { InvocationRequest } from '../../../../local/host/worker/protocol.js';

interface Seen {
  at: string;
  IsPastDue: boolean;
  ScheduleStatus: { Last: string; Next: string } | null;
}

describe('a timer', () => {
  let seen: Seen[];
  let stored: ScheduleStatus | undefined;
  let listener: TimerListener | undefined;
  let work: () => Promise<void>;

  const storage: TimerStorage = {
    readStatus: async () => stored,
    writeStatus: async (_, status) => void (stored = status),
    lock: async () => ({ release: async () => undefined, lost: new AbortController().signal }),
  };

  const start = async (binding: object, options: { storage?: TimerStorage } = { storage }): Promise<void> => {
    const metadata = {
      name: 'tick',
      bindings: { timer: { type: 'timerTrigger', direction: 'in' as const, ...binding } },
    };
    const fn = readFunction(metadata, new Settings({})) as HostedFunction<TimerTrigger>;
    const invoke = async ({ inputData }: InvocationRequest): Promise<object> => {
      const timer = JSON.parse(inputData[0]?.data.json ?? '') as Omit<Seen, 'at'>;
      seen.push({ ...timer, at: new Date().toISOString() });
      await work();
      return {};
    };
    const worker = { invoke } as unknown as ConstructorParameters<typeof Invoker>[0]['worker'];
    const log = (): void => undefined;
    const invoker = new Invoker({
      worker,
      log,
      timeout: () => undefined,
      bindOutputs: async () => undefined,
    });
    listener = new TimerListener(fn, { invoker, log, storage: options.storage });
    await listener.start();
    await vi.advanceTimersByTimeAsync(0);
  };

  beforeEach(() => {
    vi.useFakeTimers({ now: new Date('2026-11-21T10:02:00Z') });
    seen = [];
    stored = undefined;
    work = async () => undefined;
  });
  afterEach(async () => {
    const stopped = listener?.stop();
    await vi.runAllTimersAsync();
    await stopped;
    vi.useRealTimers();
  });

  it('runs on its schedule and records what was and what comes', async () => {
    await start({ schedule: '0 */5 * * * *' });
    expect(stored).toEqual({ last: NEVER, next: new Date('2026-11-21T10:05:00Z'), lastUpdated: NEVER });
    await vi.advanceTimersByTimeAsync(8 * 60_000);
    expect(seen.map(({ at }) => at)).toEqual(['2026-11-21T10:05:00.000Z', '2026-11-21T10:10:00.000Z']);
    expect(seen[1]).toMatchObject({
      IsPastDue: false,
      ScheduleStatus: { Last: '2026-11-21T10:05:00.000Z', Next: '2026-11-21T10:10:00.000Z' },
    });
    expect(stored?.next).toEqual(new Date('2026-11-21T10:15:00Z'));
  });

  it('makes up for a run that was missed while the host was down', async () => {
    const last = new Date('2026-11-21T09:30:00Z');
    stored = { last, next: new Date('2026-11-21T09:35:00Z'), lastUpdated: last };
    await start({ schedule: '0 */5 * * * *' });
    expect(seen).toMatchObject([{ at: '2026-11-21T10:02:00.000Z', IsPastDue: true }]);
    await vi.advanceTimersByTimeAsync(3 * 60_000);
    expect(seen).toMatchObject([{}, { at: '2026-11-21T10:05:00.000Z', IsPastDue: false }]);
  });

  it('forgets the status of another schedule', async () => {
    const last = new Date('2026-11-21T09:30:00Z');
    stored = { last, next: new Date('2026-11-21T09:31:00Z'), lastUpdated: last };
    await start({ schedule: '0 */5 * * * *' });
    expect(seen).toEqual([]);
    expect(stored.next).toEqual(new Date('2026-11-21T10:05:00Z'));
  });

  it('runs at the start when told to', async () => {
    await start({ schedule: '0 0 0 * * *', runOnStartup: true });
    expect(seen).toMatchObject([{ at: '2026-11-21T10:02:00.000Z', IsPastDue: false }]);
  });

  it('is not monitored when it comes more than once a minute, or when told not to', async () => {
    await start({ schedule: '*/20 * * * * *' });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(seen).toMatchObject([{ ScheduleStatus: null }]);
    expect(stored).toBeUndefined();
  });

  it('never overlaps: what comes due during a run is left out', async () => {
    work = () => new Promise((resolve) => setTimeout(resolve, 7 * 60_000));
    await start({ schedule: '0 */5 * * * *' });
    await vi.advanceTimersByTimeAsync(20 * 60_000);
    expect(seen.map(({ at }) => at)).toEqual([
      '2026-11-21T10:05:00.000Z',
      '2026-11-21T10:12:00.000Z',
      '2026-11-21T10:19:00.000Z',
    ]);
  });

  it('goes on after a failure', async () => {
    work = () => Promise.reject(new Error('no'));
    await start({ schedule: '0 */5 * * * *' });
    await vi.advanceTimersByTimeAsync(8 * 60_000);
    expect(seen).toHaveLength(2);
  });
});
