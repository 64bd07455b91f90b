// `npm run bench -- NAME… [--json]`: runs benchmarks one after the other and prints their figures.
import { parseArgs } from 'node:util';
import { meetsGoal, type Figure } from './figure.js';

type Measured = Readonly<Record<string, number>> | readonly Figure[];

interface Benchmark {
  readonly about: string;
  readonly load: () => Promise<{ run: () => Promise<Measured> }>;
}

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  dispatch: {
    about: 'from submit to claim, through HTTP, bus and factory',
    load: () => import('./dispatch.js'),
  },
  scheduler: { about: 'explained decisions a second, and fairness', load: () => import('./scheduler.js') },
  local: { about: "the embedded cloud's figures beside their goals", load: () => import('./local.js') },
  servicebus: { about: 'sends, receives, sessions, memory, restart', load: () => import('./servicebus.js') },
  cosmos: { about: 'reads, writes, queries, memory, restart', load: () => import('./cosmos.js') },
  host: { about: 'cold start, invocations, HTTP', load: () => import('./host.js') },
  factory: { about: 'what the agent costs beside its engine', load: () => import('./factory.js') },
};
/** `local` runs those of the embedded cloud's services and names what has a goal. */
const DEFAULT = ['dispatch', 'scheduler', 'local'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, help: { type: 'boolean' } },
});
const names = positionals.length > 0 ? positionals : DEFAULT;
const unknown = names.filter((name) => !BENCHMARKS[name]);

if (values.help || unknown.length > 0) {
  for (const name of unknown) process.stderr.write(`There is no benchmark "${name}".\n`);
  process.stderr.write(`Usage: npm run bench -- [name…] [--json]   (default: ${DEFAULT.join(' ')})\n`);
  for (const [name, { about }] of Object.entries(BENCHMARKS))
    process.stderr.write(`  ${name.padEnd(12)}${about}\n`);
  process.exit(values.help ? 0 : 2);
}

const isFigures = (measured: Measured): measured is readonly Figure[] => Array.isArray(measured);
const shown = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(2));
const verdict = (figure: Figure): string =>
  figure.goal === null ? '' : `  (${figure.goal}: ${meetsGoal(figure) ? 'met' : 'missed'})`;

function printTable(name: string, measured: Measured): void {
  const rows: [string, string][] = isFigures(measured)
    ? measured.map((figure) => [figure.name, `${shown(figure.value)} ${figure.unit}${verdict(figure)}`])
    : Object.entries(measured).map(([label, value]) => [label, shown(value)]);
  const width = Math.max(...rows.map(([label]) => label.length));
  process.stdout.write(`\n${name}\n`);
  for (const [label, text] of rows) process.stdout.write(`  ${label.padEnd(width)}  ${text}\n`);
}

const records: Record<string, Measured> = {};
for (const name of names) {
  const benchmark = BENCHMARKS[name];
  if (!benchmark) continue;
  const { run } = await benchmark.load();
  const measured = await run();
  if (!values.json) printTable(name, measured);
  else if (isFigures(measured))
    for (const figure of measured) process.stdout.write(`${JSON.stringify(figure)}\n`);
  else records[name] = measured;
}
if (Object.keys(records).length > 0) process.stdout.write(`${JSON.stringify(records)}\n`);
