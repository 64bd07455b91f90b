import { describe, expect, it } from 'vitest';
import { SkewedClock, VirtualClock } from '../../local/clock.js';

describe('the virtual clock', () => {
  it('runs wake-ups in order of time, then of scheduling, each at its own time', () => {
    const clock = new VirtualClock(0);
    const seen: string[] = [];
    const note = (name: string) => () => seen.push(`${name}@${clock.now()}`);
    clock.schedule(30, note('c'));
    clock.schedule(10, note('a'));
    clock.schedule(10, note('b'));
    clock.advanceTo(20);
    expect(seen).toEqual(['a@10', 'b@10']);
    clock.advanceTo(40);
    expect(seen).toEqual(['a@10', 'b@10', 'c@30']);
    expect(clock.now()).toBe(40);
  });

  it('runs what a wake-up schedules within the same advance', () => {
    const clock = new VirtualClock(0);
    const seen: number[] = [];
    const tick = (): void => {
      seen.push(clock.now());
      clock.schedule(clock.now() + 10, tick);
    };
    clock.schedule(10, tick);
    clock.advanceTo(35);
    expect(seen).toEqual([10, 20, 30]);
    expect(clock.nextAt()).toBe(40);
  });

  it('never runs a cancelled wake-up', () => {
    const clock = new VirtualClock(0);
    const seen: number[] = [];
    const cancel = clock.schedule(10, () => seen.push(1));
    clock.schedule(20, () => seen.push(2));
    cancel();
    expect(clock.nextAt()).toBe(20);
    clock.advanceBy(100);
    expect(seen).toEqual([2]);
    cancel();
  });

  it('keeps its order with many timers', () => {
    const clock = new VirtualClock(0);
    const seen: number[] = [];
    for (let i = 0; i < 1_000; i++) clock.schedule((i * 7_919) % 1_000, () => seen.push(clock.now()));
    clock.advanceTo(1_000);
    expect(seen).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
  });
});

describe('a skewed clock', () => {
  it('runs what falls due by the skew, and keeps the rest for its time', () => {
    const base = new VirtualClock(1_000);
    const clock = new SkewedClock(base);
    const ran: string[] = [];
    clock.schedule(2_000, () => ran.push(`early ${clock.now()}`));
    clock.schedule(9_000, () => ran.push(`late ${clock.now()}`));
    clock.schedule(9_500, () => ran.push('cancelled'))();
    clock.skew(5_000);
    expect(clock.now()).toBe(6_000);
    base.advanceBy(0);
    expect(ran).toEqual(['early 6000']);
    clock.skew(-500);
    base.advanceTo(9_499);
    expect(ran).toHaveLength(1);
    base.advanceTo(20_000);
    expect(ran).toEqual(['early 6000', 'late 9000']);
  });
});
