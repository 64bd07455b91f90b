import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../local/clock.js';

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
