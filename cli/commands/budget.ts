// What a product may spend, has spent, and where that leads.
import type { Command } from 'commander';
import { count } from '../../shared/contract/count.js';
import type { BudgetView, Burndown } from '../../shared/contract/budget.js';
import { AppError } from '../../shared/errors.js';
import { action, type Context } from '../context.js';
import type { Io } from '../io.js';
import { clockTime, oneLine, table, usd, type Colour } from '../text.js';
import { wholeNumber } from './arguments.js';

interface Flags {
  product?: string;
}
interface Ceilings extends Flags {
  day?: string;
  month?: string;
  assume?: string;
}

const MAX_BAR = 30;

export function addBudget(program: Command, io: Io): void {
  const budget = program.command('budget').description('what a product may spend and has spent');
  budget
    .command('show')
    .description('ceilings, spend and reservations of today and this month')
    .option('-p, --product <id>', 'which one (default: of the connection)')
    .addHelpText('after', '\nExamples:\n  aq budget show\n  aq budget show --json | jq .windows[0].leftUsd')
    .action(action<[], Flags>(io, show));
  budget
    .command('set')
    .description('set ceilings in US dollars; `none` takes one away')
    .option('-p, --product <id>', 'which one (default: of the connection)')
    .option('--day <usd>', 'the most it may spend in a day (UTC)')
    .option('--month <usd>', 'the most it may spend in a month')
    .option('--assume <usd>', 'what a run is taken to cost whose job names no budget')
    .addHelpText('after', '\nExamples:\n  aq budget set --day 20 --month 300\n  aq budget set --day none')
    .action(action<[], Ceilings>(io, set));
  budget
    .command('burndown')
    .description('spend day by day, and the forecast')
    .option('-p, --product <id>', 'which one (default: of the connection)')
    .option('--days <count>', 'how many', wholeNumber(1, 366), 14)
    .addHelpText('after', '\nExamples:\n  aq budget burndown --days 30')
    .action(action<[], Flags & { days: number }>(io, burndown));
  budget
    .command('pause')
    .description('stop its claims and nobody else’s; what runs goes on')
    .option('-p, --product <id>', 'which one (default: of the connection)')
    .option('-m, --reason <text>', 'for the record', 'paused from the command line')
    .addHelpText('after', "\nExamples:\n  aq budget pause -m 'the invoice is open'")
    .action(
      action<[], Flags & { reason: string }>(io, async (context, flags) => {
        const client = await context.client();
        const productId = await context.product(flags.product);
        const product = await client.pauseProduct({ params: { productId }, body: { reason: flags.reason } });
        context.answer(product, () => `${productId} is paused: no job of it is claimed`);
      }),
    );
  budget
    .command('resume')
    .description('let a paused product go on')
    .option('-p, --product <id>', 'which one (default: of the connection)')
    .addHelpText('after', '\nExamples:\n  aq budget resume')
    .action(
      action<[], Flags>(io, async (context, flags) => {
        const client = await context.client();
        const productId = await context.product(flags.product);
        const product = await client.resumeProduct({ params: { productId } });
        context.answer(product, () => `${productId} goes on`);
      }),
    );
}

async function show(context: Context, flags: Flags): Promise<void> {
  const client = await context.client();
  const budget = await client.getBudget({ params: { productId: await context.product(flags.product) } });
  context.answer(budget, () => describeBudget(context, budget));
}

async function set(context: Context, flags: Ceilings): Promise<void> {
  const [dayUsd, monthUsd] = [ceiling('--day', flags.day), ceiling('--month', flags.month)];
  const assumedUsd = ceiling('--assume', flags.assume);
  if (assumedUsd === null) throw new AppError('invalid-request', 'a run cannot be taken to cost “none”.');
  if (dayUsd === undefined && monthUsd === undefined && assumedUsd === undefined)
    throw new AppError('invalid-request', 'Nothing to set: give --day, --month or --assume.');
  const client = await context.client();
  const budget = await client.putBudget({
    params: { productId: await context.product(flags.product) },
    body: {
      ...(dayUsd !== undefined && { dayUsd }),
      ...(monthUsd !== undefined && { monthUsd }),
      ...(assumedUsd !== undefined && { assumedUsd }),
    },
  });
  context.answer(budget, () => describeBudget(context, budget));
}

/** `20`, `$2.50`, or `none`. */
function ceiling(option: string, text: string | undefined): number | null | undefined {
  if (text === undefined) return undefined;
  if (text === 'none') return null;
  const amount = /^\$?\d+(\.\d+)?$/.test(text) ? Number(text.replace('$', '')) : 0;
  if (amount > 0) return amount;
  throw new AppError(
    'invalid-request',
    `${option} is “${text}”; expected dollars such as 20 or 2.50, or none.`,
  );
}

const STATUS: Record<BudgetView['status'], { colour: Colour; text: string }> = {
  open: { colour: 'green', text: 'open' },
  exceeded: { colour: 'red', text: 'used up: nothing that costs is claimed' },
  paused: { colour: 'yellow', text: 'paused' },
};

function describeBudget({ paint, io }: Context, budget: BudgetView): string {
  const { colour, text } = STATUS[budget.status];
  const why = budget.paused ? `: ${oneLine(budget.paused.reason)}` : '';
  const rows = budget.windows.map(({ period, spentUsd, ceilingUsd, leftUsd }) => [
    period,
    usd(spentUsd),
    ceilingUsd === undefined ? 'none' : usd(ceilingUsd),
    leftUsd === undefined ? '–' : usd(leftUsd),
  ]);
  return [
    `${budget.productId}: ${paint(colour, text)}${why}`,
    table(
      [['WINDOW', 'SPENT', 'CEILING', 'LEFT'].map((head) => paint('dim', head)), ...rows],
      io.stdout.columns,
    ),
    `${usd(budget.reservedUsd)} reserved by what is in flight; a job without a budget counts as ${usd(budget.assumedUsd)}`,
  ].join('\n');
}

async function burndown(context: Context, flags: Flags & { days: number }): Promise<void> {
  const client = await context.client();
  const productId = await context.product(flags.product);
  const answer = await client.getBurndown({ params: { productId }, query: { days: flags.days } });
  context.answer(answer, () => describeBurndown(context, answer));
}

function describeBurndown({ paint, io }: Context, { days, forecast }: Burndown): string {
  const most = Math.max(...days.map((day) => day.usd), Number.EPSILON);
  const rows = days.map((day) => [
    day.day,
    usd(day.usd),
    count(day.runs, 'run'),
    '█'.repeat(Math.round((day.usd / most) * MAX_BAR)),
  ]);
  const lines = forecast.map(({ window, expectedUsd, ceilingUsd, crossesAt }) => {
    const of = ceilingUsd === undefined ? '' : ` of ${usd(ceilingUsd)}`;
    const crosses = crossesAt ? `, crossed ${crossesAt.slice(0, 10)} ${clockTime(crossesAt)}` : '';
    return `this ${window}: ${usd(expectedUsd)}${of} expected${crosses}`;
  });
  return [
    table([['DAY', 'SPENT', 'RUNS', ''].map((head) => paint('dim', head)), ...rows], io.stdout.columns),
    ...lines,
  ].join('\n');
}
