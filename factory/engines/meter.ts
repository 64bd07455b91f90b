/** Adds up what an engine used, while it runs: from its answers one by one, or from its own sum once it tells one. */
import type { Usage } from '../../shared/contract/job.js';
import type { Engine } from '../../shared/contract/manifest.js';
import type { Fact, ModelUsage } from './facts.js';
import { priceOf, usdOf } from './prices.js';
import { addTokens, NO_TOKENS, subtractTokens, totalTokens, type TokenCounts } from './tokens.js';

interface Sum {
  readonly tokens: TokenCounts;
  readonly usd: number;
  /** Every dollar of it was told by the engine. */
  readonly told: boolean;
}

/** One process of an engine. */
class ProcessMeter {
  private readonly engine: Engine;
  private readonly before: TokenCounts;
  private readonly steps = new Map<string, Extract<Fact, { kind: 'step' }>>();
  private total: readonly ModelUsage[] | undefined;

  /** @param before what earlier processes of the resumed session used */
  constructor(engine: Engine, before: TokenCounts) {
    this.engine = engine;
    this.before = before;
  }

  add(fact: Extract<Fact, { kind: 'step' | 'total' }>): void {
    if (fact.kind === 'step') this.steps.set(fact.key, fact);
    else if (!fact.ofSession) this.total = fact.models;
    else this.total = fact.models.map((one) => ({ ...one, tokens: subtractTokens(one.tokens, this.before) }));
  }

  /** @param model for figures that name none */
  sum(model: string | undefined): Sum {
    const parts = this.parts();
    const usdOfPart = (part: ModelUsage): number =>
      part.usd ?? usdOf(part.tokens, priceOf(this.engine, part.model ?? model));
    return {
      tokens: parts.reduce((sum, part) => addTokens(sum, part.tokens), NO_TOKENS),
      usd: parts.reduce((sum, part) => sum + usdOfPart(part), 0),
      told: parts.every((part) => part.usd !== undefined),
    };
  }

  get seen(): boolean {
    return this.total !== undefined || this.steps.size > 0;
  }

  /** Are the tokens the engine's own last word? */
  get final(): boolean {
    return this.parts().every((part) => !('rough' in part && part.rough === true));
  }

  /** Some engines tell zeros as their sum when they fail. */
  private parts(): readonly ModelUsage[] {
    const { total } = this;
    const empty = total === undefined || total.every(({ tokens }) => totalTokens(tokens) === 0);
    return empty ? [...this.steps.values()] : total;
  }
}

/** A run of an engine: one process after the other. */
export class Meter {
  private readonly engine: Engine;
  private readonly processes: ProcessMeter[] = [];
  private model: string | undefined;
  private readonly startedAt = performance.now();

  /** @param model what the factory asks the engine for, until the engine tells which one answers */
  constructor(engine: Engine, model?: string) {
    this.engine = engine;
    this.model = model;
  }

  /** Another process begins. @param resumes the session of the ones before */
  begin(resumes: boolean): void {
    const before = resumes ? this.sum().tokens : NO_TOKENS;
    this.processes.push(new ProcessMeter(this.engine, before));
  }

  add(fact: Fact): void {
    if (fact.kind === 'model') this.model = fact.model;
    if (fact.kind === 'step' || fact.kind === 'total') this.processes.at(-1)?.add(fact);
  }

  /** So far: US dollars, and tokens with the cached ones. */
  get spent(): { readonly usd: number; readonly tokens: number } {
    const { usd, tokens } = this.sum();
    return { usd, tokens: totalTokens(tokens) };
  }

  /** What the run used. `exact`: the engine told everything; `unknown`: it told nothing. */
  usage(): Usage {
    const wallSeconds = (performance.now() - this.startedAt) / 1000;
    const { tokens, usd, told } = this.sum();
    const seen = this.processes.filter((process) => process.seen);
    const exact = told && seen.every((process) => process.final);
    return {
      wallSeconds,
      tokens: totalTokens(tokens),
      usd,
      accuracy: seen.length === 0 ? 'unknown' : exact ? 'exact' : 'estimated',
      ...(seen.length === 0 ? {} : { tokenCounts: { ...tokens } }),
    };
  }

  private sum(): Sum {
    const sums = this.processes.map((process) => process.sum(this.model));
    return {
      tokens: sums.reduce((all, one) => addTokens(all, one.tokens), NO_TOKENS),
      usd: sums.reduce((all, one) => all + one.usd, 0),
      told: sums.every((one) => one.told),
    };
  }
}
