import { expect, test } from 'vitest';
import { LISTS, PRICES, PRICES_VERSION, priceOf, usdOf } from '../../../factory/engines/prices.js';

test('every price names the list that it is from, and how and as of which day it was checked', () => {
  for (const { asOf, check, list, price } of PRICES) {
    expect(URL.canParse(LISTS[list])).toBe(true);
    expect(asOf).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    expect(asOf <= PRICES_VERSION).toBe(true);
    expect(['page', 'quoted', 'unchecked']).toContain(check);
    expect(price.cachedInput).toBeLessThanOrEqual(price.input);
    expect(price.input).toBeLessThan(price.output);
  }
});

test.each([
  ['claude', 'claude-opus-4-1-20250805', 15],
  ['claude', 'claude-opus-4-10', 5],
  ['claude', 'claude-opus-4-20250514', 15],
  ['claude', 'claude-opus-4-5-20251101', 5],
  ['claude', 'claude-opus-5', 5],
  ['claude', 'claude-opus-5-5[1m]', 4],
  ['claude', 'claude-fable-5-1', 10],
  ['claude', 'claude-sonnet-5-5', 2],
  ['claude', 'claude-sonnet-5', 2],
  ['claude', 'claude-3-5-sonnet-20241022', 3],
  ['claude', 'claude-haiku-5-5', 0.5],
  ['claude', 'claude-haiku-4-5-20251001', 1],
  ['claude', 'claude-3-5-haiku-20241022', 0.8],
  ['copilot', 'gpt-6.1-sol', 2],
  ['copilot', 'gpt-6.1-terra', 1],
  ['codex', 'gpt-6-astra', 10],
  ['codex', 'gpt-5.6-terra', 2],
  ['codex', 'gpt-5.6-sol', 5],
  ['codex', 'gpt-5.3-codex', 1.75],
  ['codex', 'gpt-5.1-codex-mini', 0.25],
  ['codex', 'codex-mini-latest', 1.5],
  ['gemini', 'gemini-3.8-flash', 1.5],
  ['gemini', 'gemini-3.1-flash-lite', 0.25],
  ['gemini', 'gemini-3.1-pro-preview', 2],
  ['claude', 'claude-sonnet-4-5', 3],
  ['codex', 'gpt-5-codex', 1.25],
  ['codex', 'gpt-5.2-codex', 1.75],
  ['codex', 'gpt-5-mini', 0.25],
  ['gemini', 'gemini-2.5-flash-lite', 0.1],
  ['gemini', 'gemini-2.5-pro', 1.25],
  ['codex', 'something-new', 5],
  ['claude', undefined, 5],
] as const)('%s with %s costs $%d a million tokens of input', (engine, model, input) => {
  const of = priceOf(engine, model);
  expect(usdOf({ input: 1_000_000, cachedInput: 0, cacheWrite: 0, output: 0 }, of)).toBeCloseTo(input);
});
