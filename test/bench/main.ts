// `npm run bench -- NAME… [--json]`: runs benchmarks one after the other and prints their figures.
import { parseArgs } from 'node:util';
import { meetsGoal, type Figure } from './figure.js';

type Measured = Readonly<Record<string, number>> | readonly Figure[];

const BENCHMARKS: Record<string, () => Promise<{ run: () => Promise<Measured> }>> = {
  dispatch: () => import('./dispatch.js'),
  scheduler: () => import('./scheduler.js'),
  local: () => import('./local.js'),
  servicebus: () => import('./servicebus.js'),
  cosmos: () => import('./cosmos.js'),
  host: () => import('./host.js'),
  factory: () => import('./factory.js'),
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
  process.stderr.write(`Usage: npm run bench -- [${Object.keys(BENCHMARKS).join('|')}]… [--json]\n`);
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
  const load = BENCHMARKS[name];
  if (!load) continue;
  const { run } = await load();
  const measured = await run();
  if (!values.json) printTable(name, measured);
  else if (isFigures(measured))
    for (const figure of measured) process.stdout.write(`${JSON.stringify(figure)}\n`);
  else records[name] = measured;
}
if (Object.keys(records).length > 0) process.stdout.write(`${JSON.stringify(records)}\n`);
