// The first tracker item: it asks for the missing function of the sample project and says how to write it. The
// script is safe to repeat, and slow enough for its log to be seen live.

export interface SampleIssue {
  readonly title: string;
  readonly body: string;
  readonly labels: readonly string[];
}

const FENCE = '```';

export const sampleIssue: SampleIssue = {
  title: 'Volume discount for large orders',
  labels: ['agent:run', 'engine:shell'],
  body: `Customers who order ten pieces of an article or more get 5 % off that line, from fifty pieces 12 %.
\`test/discount.test.js\` says it precisely and fails, because \`src/discount.js\` does not exist yet.

The label \`engine:shell\` means: run this script. (With an agent, the text above would be enough.)

${FENCE}sh
echo "Reading the test"
sed -n "s/^test('\\(.*\\)', () => {/  - \\1/p" test/discount.test.js
sleep 0.4

echo "Writing src/discount.js"
cat > src/discount.js <<'JS'
import { percentOf } from './money.js';

/** Pieces of one line from which a discount holds, the largest first. */
const TIERS = [
  { from: 50, percent: 12 },
  { from: 10, percent: 5 },
];

/** What an order's lines are reduced by, in cents. */
export function volumeDiscount(lines) {
  return lines.reduce((sum, { quantity, price }) => {
    const tier = TIERS.find(({ from }) => quantity >= from);
    return sum + (tier ? percentOf(quantity * price, tier.percent) : 0);
  }, 0);
}
JS
sleep 0.4

if ! grep -q discount.js README.md; then
  echo "Naming it in README.md"
  sed 's|^- .src/order.js. adds up an order$|&\\
- \`src/discount.js\` knows the volume discount|' README.md > README.md.new
  mv README.md.new README.md
fi
sleep 0.4

echo "Trying it"
node --test --test-reporter=spec test/discount.test.js
echo "Done"
${FENCE}
`,
};
