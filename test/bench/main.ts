// `npm run bench -- NAME… [--json]`: runs benchmarks one after the other and prints their figures.
import { parseArgs } from 'node:util';

type Benchmark = () => Promise<Record<string, number>>;

const BENCHMARKS: Record<string, () => Promise<{ run: Benchmark }>> = {
  dispatch: () => import('./dispatch.js'),
  scheduler: () => import('./scheduler.js'),
  servicebus: () => import('./servicebus.js'),
  cosmos: () => import('./cosmos.js'),
  host: () => import('./host.js'),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, help: { type: 'boolean' } },
});
const names = positionals.length > 0 ? positionals : Object.keys(BENCHMARKS);
const unknown = names.filter((name) => !BENCHMARKS[name]);

if (values.help || unknown.length > 0) {
  for (const name of unknown) process.stderr.write(`There is no benchmark "${name}".\n`);
  process.stderr.write(`Usage: npm run bench -- [${Object.keys(BENCHMARKS).join('|')}]… [--json]\n`);
  process.exit(values.help ? 0 : 2);
}

const results: Record<string, Record<string, number>> = {};
for (const name of names) {
  const load = BENCHMARKS[name];
  if (!load) continue;
  const { run } = await load();
  const figures = await run();
  results[name] = figures;
  if (values.json) continue;
  process.stdout.write(`\n${name}\n`);
  const width = Math.max(...Object.keys(figures).map((label) => label.length));
  for (const [label, value] of Object.entries(figures)) {
    process.stdout.write(`  ${label.padEnd(width)}  ${Number.isInteger(value) ? value : value.toFixed(2)}\n`);
  }
}
if (values.json) process.stdout.write(`${JSON.stringify(results)}\n`);
