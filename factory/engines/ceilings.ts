/** Ends an engine that is silent for too long, spends too much, or goes round in circles. */
import type { Ceiling, EngineLimits } from './engine.js';
import type { Fact } from './facts.js';
import type { Meter } from './meter.js';

/** How often the silence is measured (ms). */
const LOOK_MS = 1000;
/** The longest circle of tool calls that is looked for … */
const MAX_PERIOD = 4;
/** … and how many calls in a row must be part of it: nobody polls so often with the very same words. */
const MIN_CALLS = 24;
/** Failures one after the other, without a tool call in between, of an engine that does not give up by itself. */
const MAX_FAILURES = 6;

export interface Reached {
  readonly ceiling: Ceiling;
  readonly message: string;
}

export class Ceilings {
  /** Why it was ended, once it was. */
  reached: Reached | undefined;
  private readonly limits: EngineLimits;
  private readonly meter: Meter;
  private readonly over = new AbortController();
  private readonly stallMs: number;
  private readonly timer: NodeJS.Timeout;
  private calls: string[] = [];
  private failures = 0;
  private aliveAt = performance.now();

  constructor(limits: EngineLimits, meter: Meter, stallSeconds: number) {
    this.limits = limits;
    this.meter = meter;
    this.stallMs = stallSeconds * 1000;
    this.timer = setInterval(() => this.look(), Math.min(LOOK_MS, this.stallMs / 4));
  }

  /** Aborted when a ceiling is reached. */
  get signal(): AbortSignal {
    return this.over.signal;
  }

  /** It gave a sign of life. */
  alive(): void {
    this.aliveAt = performance.now();
  }

  learn(fact: Fact): void {
    this.alive();
    if (fact.kind === 'failure') this.failed(fact.message);
    if (fact.kind === 'tool') this.called(`${fact.name} ${JSON.stringify(fact.input)}`);
    if (fact.kind !== 'step' && fact.kind !== 'total') return;
    const { usd, tokens } = this.meter.spent;
    if (this.limits.usd !== undefined && usd >= this.limits.usd) {
      this.reach('usd', `it has cost $${usd.toFixed(2)}; $${this.limits.usd.toFixed(2)} were left for it`);
    } else if (this.limits.tokens !== undefined && tokens >= this.limits.tokens) {
      this.reach('tokens', `it has used ${tokens} tokens; ${this.limits.tokens} were left for it`);
    }
  }

  close(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    const silent = performance.now() - this.aliveAt;
    if (silent >= this.stallMs)
      this.reach('stall', `it gave no sign of life for ${Math.round(silent / 1000)} s`);
  }

  private failed(message: string): void {
    this.failures += 1;
    if (this.failures < MAX_FAILURES) return;
    this.reach('loop', `it went round in circles: it failed ${MAX_FAILURES} times in a row with ${message}`);
  }

  private called(call: string): void {
    this.failures = 0;
    this.calls.push(call);
    if (this.calls.length > MIN_CALLS) this.calls.shift();
    if (this.calls.length < MIN_CALLS) return;
    for (let period = 1; period <= MAX_PERIOD; period += 1) {
      if (this.calls.every((one, at) => at < period || one === this.calls[at - period])) {
        const what = call.slice(0, 200);
        return this.reach(
          'loop',
          `it went round in circles: its last ${MIN_CALLS} tool calls were the same ${period}, such as ${what}`,
        );
      }
    }
  }

  private reach(ceiling: Ceiling, message: string): void {
    if (this.reached !== undefined) return;
    this.reached = { ceiling, message };
    this.over.abort();
  }
}
