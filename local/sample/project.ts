// A small real project for the first job: it prices orders. One function is missing, and its test fails. The files
// stand here as text, because a build copies no assets.

/** Path in the repository → content. */
export const SAMPLE_FILES: Readonly<Record<string, string>> = {
  'README.md': `# calculator

Prices orders for a shop: amounts are whole cents, so nothing is lost to rounding on the way.

- \`src/money.js\` reads and writes amounts
- \`src/order.js\` adds up an order

Run the tests with \`node --test\`.
`,
  'package.json': `{
  "name": "calculator",
  "version": "1.0.0",
  "private": true,
  "type": "module",
  "scripts": {
    "test": "node --test"
  }
}
`,
  'src/money.js': `/** Reads '12.34' as 1234 cents. */
export function parseAmount(text) {
  const match = /^(\\d+)(?:\\.(\\d{2}))?$/.exec(text);
  if (!match) throw new RangeError('not an amount: ' + text);
  return Number(match[1]) * 100 + Number(match[2] ?? 0);
}

/** Writes 1234 cents as '12.34'. */
export function formatAmount(cents) {
  return (cents / 100).toFixed(2);
}

/** A share of an amount in whole cents, rounded half up. */
export function percentOf(cents, percent) {
  return Math.round((cents * percent) / 100);
}
`,
  'src/order.js': `import { percentOf } from './money.js';

/** The sum of an order's lines, in cents: quantity times price each. */
export function subtotal(lines) {
  return lines.reduce((sum, line) => sum + line.quantity * line.price, 0);
}

/** What the customer pays, in cents: the sum with VAT. */
export function total(lines, vatPercent) {
  const sum = subtotal(lines);
  return sum + percentOf(sum, vatPercent);
}
`,
  'test/money.test.js': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAmount, parseAmount, percentOf } from '../src/money.js';

test('an amount survives being read and written', () => {
  assert.equal(formatAmount(parseAmount('12.34')), '12.34');
  assert.equal(parseAmount('7'), 700);
});

test('a text that is no amount is refused', () => {
  assert.throws(() => parseAmount('12,34'), RangeError);
});

test('a share is rounded to whole cents', () => {
  assert.equal(percentOf(999, 19), 190);
});
`,
  'test/order.test.js': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { subtotal, total } from '../src/order.js';

const lines = [
  { quantity: 3, price: 250 },
  { quantity: 1, price: 1000 },
];

test('an order adds up', () => {
  assert.equal(subtotal(lines), 1750);
});

test('VAT comes on top', () => {
  assert.equal(total(lines, 19), 2083);
});
`,
};

/** What the second commit brings: a test for a function that nobody wrote yet. */
export const SAMPLE_FAILING_TEST: Readonly<Record<string, string>> = {
  'test/discount.test.js': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { volumeDiscount } from '../src/discount.js';

test('up to nine pieces cost the full price', () => {
  assert.equal(volumeDiscount([{ quantity: 9, price: 100 }]), 0);
});

test('ten pieces or more of a line are 5 % off', () => {
  assert.equal(volumeDiscount([{ quantity: 10, price: 100 }]), 50);
});

test('fifty pieces or more of a line are 12 % off', () => {
  assert.equal(volumeDiscount([{ quantity: 50, price: 100 }]), 600);
});

test('each line is looked at by itself', () => {
  const lines = [
    { quantity: 9, price: 100 },
    { quantity: 10, price: 333 },
  ];
  assert.equal(volumeDiscount(lines), 167);
});
`,
};
