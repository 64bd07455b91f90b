import { expect, test } from 'vitest';
import { PRICES, priceOf, SOURCES, usdOf } from '../../../factory/engines/prices.js';

test('every price names the page that it is from and the day of which it is', () => {
  for (const { source, price } of PRICES) {
    expect(URL.canParse(SOURCES[source].page)).toBe(true);
    expect(SOURCES[source].asOf).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    expect(price.cachedInput).toBeLessThanOrEqual(price.input);
    expect(price.input).toBeLessThan(price.output);
  }
});

test.each([
  ['claude', 'claude-opus-4-1-20250805', 15],
  ['claude', 'claude-opus-4-10', 5],
  ['claude', 'claude-sonnet-4-5', 3],
  ['codex', 'gpt-5-codex', 1.25],
  ['codex', 'gpt-5.2-codex', 1.75],
  ['codex', 'gpt-5-mini', 0.25],
  ['gemini', 'gemini-2.5-flash-lite', 0.1],
  ['gemini', 'gemini-2.5-pro', 1.25],
  ['codex', 'something-new', 1.75],
  ['claude', undefined, 5],
] as const)('%s with %s costs $%d a million tokens of input', (engine, model, input) => {
  const of = priceOf(engine, model);
  expect(usdOf({ input: 1_000_000, cachedInput: 0, cacheWrite: 0, output: 0 }, of)).toBeCloseTo(input);
});
