// A timer function's listener: one run at a time, on one instance at a time, late runs made up for at the start.
import type { HostedFunction, TimerTrigger } from '../functions.js';
import type { Invoker } from '../invoker.js';
import type { Log } from '../log.js';
import { pause } from '../pause.js';
import type { TypedData } from '../worker/protocol.js';
import { isSubMinute, parseSchedule } from './schedule.js';
import type { Schedule } from './schedule.js';

/** ms; Node's timers hold a 32-bit count, so longer waits are taken in pieces. */
const LONGEST_TIMEOUT = 24 * 86_400_000;

export interface ScheduleStatus {
  last: Date;
  next: Date;
  lastUpdated: Date;
}

/** Where the schedule's state and the singleton lock are kept: the host's storage account. */
export interface TimerStorage {
  readStatus(functionName: string): Promise<ScheduleStatus | undefined>;
  writeStatus(functionName: string, status: ScheduleStatus): Promise<void>;
  /** Waits until this instance holds the function's lock and keeps it. @returns how to give it back */
  lock(functionName: string, stop: AbortSignal): Promise<{ release(): Promise<void>; lost: AbortSignal }>;
}

/** What .NET writes for "never": year 1. */
export const NEVER = new Date('0001-01-01T00:00:00Z');

export class TimerListener {
  readonly #fn: HostedFunction<TimerTrigger>;
  readonly #schedule: Schedule;
  readonly #invoker: Invoker;
  readonly #log: Log;
  readonly #storage: TimerStorage | undefined;
  readonly #stop = new AbortController();
  #finished: Promise<void> = Promise.resolve();

  /** @throws Error for a schedule that cannot be parsed */
  constructor(
    fn: HostedFunction<TimerTrigger>,
    options: { invoker: Invoker; log: Log; storage: TimerStorage | undefined },
  ) {
    this.#fn = fn;
    this.#invoker = options.invoker;
    this.#log = options.log;
    this.#storage = options.storage;
    this.#schedule = parseSchedule(fn.trigger.schedule);
  }

  async start(): Promise<void> {
    this.#finished = this.#listen();
  }

  /** Starts no further run and waits for the one that goes on. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#finished;
  }

  async #listen(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const held = await this.#storage?.lock(this.#fn.name, signal);
        try {
          await this.#run(held ? AbortSignal.any([signal, held.lost]) : signal);
        } finally {
          await held?.release();
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#log('error', 'Host.Timers', `"${this.#fn.name}": ${String(error)}; trying again in 5 s.`);
        await pause(5_000, signal);
      }
    }
  }

  async #run(stop: AbortSignal): Promise<void> {
    const { name, trigger } = this.#fn;
    const now = new Date();
    const monitored = trigger.useMonitor && this.#storage !== undefined && !isSubMinute(this.#schedule, now);
    let status: ScheduleStatus = { last: NEVER, next: this.#schedule.next(now), lastUpdated: NEVER };
    let pastDue = false;
    if (monitored) {
      const stored = await this.#storage?.readStatus(name);
      if (stored && this.#isCurrent(stored)) {
        pastDue = stored.next < now;
        status = stored;
      } else await this.#storage?.writeStatus(name, status);
    }
    let reason = pastDue ? 'past due' : trigger.runOnStartup ? 'run on startup' : undefined;
    while (!stop.aborted) {
      const due = status.next;
      if (!reason && !(await until(due, stop))) return;
      const startedAt = new Date();
      await this.#invoke(monitored ? status : undefined, pastDue, reason ?? 'timer fired', stop);
      // A run that came a moment too early counts as the one it was meant to be, or it would come twice.
      const last = !reason && due > startedAt ? due : startedAt;
      status = { last, next: this.#schedule.next(last), lastUpdated: last };
      if (monitored) await this.#storage?.writeStatus(name, status);
      reason = undefined;
      pastDue = false;
    }
  }

  /** A stored status of another schedule says nothing about this one. */
  #isCurrent(stored: ScheduleStatus): boolean {
    if (stored.last.getTime() === NEVER.getTime())
      return this.#schedule.next(new Date(stored.next.getTime() - 1)).getTime() === stored.next.getTime();
    return this.#schedule.next(stored.last).getTime() === stored.next.getTime();
  }

  async #invoke(
    status: ScheduleStatus | undefined,
    isPastDue: boolean,
    reason: string,
    stop: AbortSignal,
  ): Promise<void> {
    try {
      await this.#invoker.runWithRetries(
        this.#fn,
        { data: timerData(status, isPastDue), reason: `Timer: ${reason}.` },
        stop,
      );
    } catch {
      // Logged by the invoker; a failed run never stops the schedule.
    }
  }
}

const timerData = (status: ScheduleStatus | undefined, isPastDue: boolean): TypedData => ({
  json: JSON.stringify({
    Schedule: { AdjustForDST: true },
    ScheduleStatus: status
      ? {
          Last: status.last.toISOString(),
          Next: status.next.toISOString(),
          LastUpdated: status.lastUpdated.toISOString(),
        }
      : null,
    IsPastDue: isPastDue,
  }),
});

/** @returns whether the time came before the stop */
async function until(time: Date, stop: AbortSignal): Promise<boolean> {
  for (;;) {
    const rest = time.getTime() - Date.now();
    if (stop.aborted) return false;
    if (rest <= 0) return true;
    await pause(Math.min(rest, LONGEST_TIMEOUT), stop);
  }
}
