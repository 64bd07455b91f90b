/**
 * What models cost, for engines that tell tokens and no dollars, and for those that were ended before they told: the
 * one table. Public list prices in US dollars a million tokens. A figure made from it is an estimate and called so.
 */
import type { Engine } from '../../shared/contract/manifest.js';
import type { TokenCounts } from './tokens.js';

/** Of the table; goes up with every change of a price, and stands in the factory's probe. */
export const PRICES_VERSION = '2026-11-01';

/** Where the figures of a row stand, and the day of which they are: the lists change without a word. */
export const SOURCES = {
  anthropic: { page: 'https://platform.claude.com/docs/en/about-claude/pricing', asOf: PRICES_VERSION },
  openai: { page: 'https://platform.openai.com/docs/pricing', asOf: PRICES_VERSION },
  google: { page: 'https://ai.google.dev/gemini-api/docs/pricing', asOf: PRICES_VERSION },
} as const;

export interface Price {
  readonly input: number;
  readonly cachedInput: number;
  /** Writing to the cache, where that is charged apart. */
  readonly cacheWrite: number;
  readonly output: number;
}

const price = (input: number, cachedInput: number, output: number, cacheWrite = input): Price => ({
  input,
  cachedInput,
  cacheWrite,
  output,
});

interface PriceRow {
  readonly model: RegExp;
  readonly price: Price;
  readonly source: keyof typeof SOURCES;
}

/** The first pattern that matches a model's name decides, so special ones stand before general ones. */
export const PRICES: readonly PriceRow[] = [
  { model: /opus-4-?\.?[01](?!\d)/, price: price(15, 1.5, 75, 18.75), source: 'anthropic' },
  { model: /opus/, price: price(5, 0.5, 25, 6.25), source: 'anthropic' },
  { model: /sonnet/, price: price(3, 0.3, 15, 3.75), source: 'anthropic' },
  { model: /haiku-3/, price: price(0.8, 0.08, 4, 1), source: 'anthropic' },
  { model: /haiku/, price: price(1, 0.1, 5, 1.25), source: 'anthropic' },
  { model: /gpt-5.*nano/, price: price(0.05, 0.005, 0.4), source: 'openai' },
  { model: /gpt-5.*mini/, price: price(0.25, 0.025, 2), source: 'openai' },
  { model: /gpt-5\.[2-9]/, price: price(1.75, 0.175, 14), source: 'openai' },
  { model: /gpt-5|codex/, price: price(1.25, 0.125, 10), source: 'openai' },
  { model: /gpt-4\.1-mini/, price: price(0.4, 0.1, 1.6), source: 'openai' },
  { model: /gpt-4\.1/, price: price(2, 0.5, 8), source: 'openai' },
  { model: /o4-mini/, price: price(1.1, 0.275, 4.4), source: 'openai' },
  { model: /gemini.*flash-lite/, price: price(0.1, 0.01, 0.4), source: 'google' },
  { model: /gemini.*flash/, price: price(0.3, 0.03, 2.5), source: 'google' },
  { model: /gemini-3/, price: price(2, 0.2, 12), source: 'google' },
  { model: /gemini/, price: price(1.25, 0.125, 10), source: 'google' },
];

/** For a model that the table does not know: what the engine's usual models cost at most, so that a ceiling holds. */
const USUAL: Partial<Record<Engine, Price>> = {
  codex: price(1.75, 0.175, 14),
  gemini: price(2, 0.2, 12),
};
const DEAREST: Price = price(5, 0.5, 25, 6.25);

/** US dollars an agent compute unit, of the service that bills in these (Devin's own price page, as of the version). */
export const USD_PER_ACU = 2.25;

const MILLION = 1_000_000;

/** The price of a model; of the engine's usual ones when its name is unknown or not told. */
export function priceOf(engine: Engine, model: string | undefined): Price {
  const known = model && PRICES.find((row) => row.model.test(model.toLowerCase()));
  return known ? known.price : (USUAL[engine] ?? DEAREST);
}

/** What so many tokens cost, in US dollars. */
export function usdOf(tokens: TokenCounts, of: Price): number {
  const { input, cachedInput, cacheWrite, output } = tokens;
  const sum =
    input * of.input + cachedInput * of.cachedInput + cacheWrite * of.cacheWrite + output * of.output;
  return sum / MILLION;
}
