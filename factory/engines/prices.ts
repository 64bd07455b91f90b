/**
 * What models cost, for engines that tell tokens and no dollars, and for those that were ended before they told: the
 * one table. Public list prices in US dollars a million tokens. A figure made from it is an estimate and called so.
 */
import type { Engine } from '../../shared/contract/manifest.js';
import type { TokenCounts } from './tokens.js';

/** Of the table; goes up with every change of a price, and stands in the factory's probe. */
export const PRICES_VERSION = '2026-11-21';

/** The vendors' own lists, which change without a word. */
export const LISTS = {
  anthropic: 'https://platform.claude.com/docs/en/about-claude/pricing',
  openai: 'https://developers.openai.com/api/docs/pricing',
  google: 'https://ai.google.dev/gemini-api/docs/pricing',
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

/**
 * How a row was checked: `page`: read on a page of the vendor. `quoted`: read where others quote the vendor's list with
 * the day on which they read it. `unchecked`: found nowhere of late; what it was when it was written down.
 */
export type Check = 'page' | 'quoted' | 'unchecked';

interface PriceRow {
  readonly model: RegExp;
  readonly price: Price;
  readonly list: keyof typeof LISTS;
  readonly check: Check;
  /** The day of which the price is. */
  readonly asOf: string;
}

const rows =
  (list: keyof typeof LISTS) =>
  (check: Check, asOf: string, model: RegExp, of: Price): PriceRow => ({
    list,
    check,
    asOf,
    model,
    price: of,
  });
const anthropic = rows('anthropic');
const openai = rows('openai');
const google = rows('google');

/**
 * Standard tier. Several vendors take more for a request with a long prompt (OpenAI twice the input above 272,000
 * tokens, Gemini Pro above 200,000), which sums of tokens do not tell; only where the long one costs five times as
 * much (Haiku 5.5 above 100,000) it is the long one that stands here.
 * The first pattern that matches a model's name decides, so special ones stand before general ones.
 */
export const PRICES: readonly PriceRow[] = [
  anthropic('quoted', '2026-10-24', /(fable|mythos)-5[-.]1/, price(10, 0.25, 50, 12.5)),
  anthropic('quoted', '2026-10-10', /fable|mythos/, price(10, 1, 50, 12.5)),
  anthropic('quoted', '2026-10-24', /opus-5[-.]5/, price(4, 0.2, 20, 5)),
  anthropic('quoted', '2026-10-10', /3-opus|opus-4([-.][01])?(-\d{8}|@|$)/, price(15, 1.5, 75, 18.75)),
  anthropic('page', '2026-07-24', /opus/, price(5, 0.5, 25, 6.25)),
  // Its cached input cost 0.2 until 2026-10-07.
  anthropic('quoted', '2026-10-24', /sonnet-5[-.]5/, price(2, 0.1, 10, 2.5)),
  anthropic('page', '2026-07-24', /sonnet-5/, price(2, 0.2, 10, 2.5)),
  anthropic('quoted', '2026-10-10', /sonnet/, price(3, 0.3, 15, 3.75)),
  anthropic('quoted', '2026-10-24', /haiku-5[-.]5/, price(0.5, 0.05, 2.5, 0.625)),
  anthropic('quoted', '2026-10-10', /haiku-3|3(-5)?-haiku/, price(0.8, 0.08, 4, 1)),
  anthropic('page', '2026-07-24', /haiku/, price(1, 0.1, 5, 1.25)),

  openai('quoted', '2026-10-13', /gpt-6\.1-sol/, price(2, 0.1, 10, 2.5)),
  openai('quoted', '2026-10-27', /gpt-6\.1/, price(1, 0.05, 5, 1.25)),
  openai('quoted', '2026-09-07', /gpt-6-astra/, price(10, 1, 50)),
  openai('quoted', '2026-09-23', /gpt-6-luna/, price(0.1, 0.01, 0.5, 0.125)),
  openai('quoted', '2026-09-23', /gpt-6/, price(2, 0.2, 10, 2.5)),
  openai('quoted', '2026-08-01', /gpt-5\.6-luna/, price(0.2, 0.02, 1.2)),
  openai('quoted', '2026-08-01', /gpt-5\.6-terra/, price(2, 0.2, 12)),
  openai('quoted', '2026-08-01', /gpt-5\.6/, price(5, 0.5, 30)),
  openai('unchecked', '2026-11-21', /gpt-5\.5/, price(5, 0.5, 30)),
  openai('unchecked', '2026-11-21', /gpt-5\.4-nano/, price(0.2, 0.02, 1.25)),
  openai('quoted', '2026-03-01', /gpt-5\.4-mini/, price(0.75, 0.075, 4.5)),
  openai('quoted', '2026-03-01', /gpt-5\.4/, price(2.5, 0.25, 15)),
  openai('quoted', '2026-09-30', /gpt-5\.[23]/, price(1.75, 0.175, 14)),
  openai('page', '2026-11-21', /gpt-5.*nano/, price(0.05, 0.005, 0.4)),
  openai('unchecked', '2026-11-01', /gpt-5.*mini/, price(0.25, 0.025, 2)),
  openai('page', '2026-11-21', /codex-mini/, price(1.5, 0.375, 6)),
  openai('page', '2026-11-21', /gpt-5|codex/, price(1.25, 0.125, 10)),
  openai('unchecked', '2026-11-01', /gpt-4\.1-mini/, price(0.4, 0.1, 1.6)),
  openai('unchecked', '2026-11-01', /gpt-4\.1/, price(2, 0.5, 8)),
  openai('unchecked', '2026-11-01', /o4-mini/, price(1.1, 0.275, 4.4)),

  // Half of it until the end of 2026.
  google('quoted', '2026-10-07', /gemini-3\.[678]-flash/, price(1.5, 0.15, 7.5)),
  google('quoted', '2026-05-15', /gemini-3.*flash-lite/, price(0.25, 0.025, 1.5)),
  google('quoted', '2026-05-19', /gemini-3\.5-flash/, price(1.5, 0.15, 9)),
  google('quoted', '2026-07-04', /gemini-3.*flash/, price(0.5, 0.05, 3)),
  google('quoted', '2026-04-19', /gemini-3/, price(2, 0.2, 12)),
  google('quoted', '2026-04-19', /gemini.*flash-lite/, price(0.1, 0.01, 0.4)),
  google('quoted', '2026-04-19', /gemini.*flash/, price(0.3, 0.03, 2.5)),
  google('quoted', '2026-04-19', /gemini/, price(1.25, 0.125, 10)),
];

/** For a model that the table does not know: what the engine's usual models cost at most, so that a ceiling holds. */
const USUAL: Partial<Record<Engine, Price>> = {
  codex: price(5, 0.5, 30),
  gemini: price(2, 0.2, 12),
};
const DEAREST: Price = price(5, 0.5, 25, 6.25);

/**
 * US dollars an agent compute unit, of the service that bills in these. Devin publishes no such price any more (contracts
 * have their own, plans have a quota): unchecked, the last one that stood on its page.
 */
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
