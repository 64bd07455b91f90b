import { Option, type Command } from 'commander';
import type { JobSummary } from '../../shared/contract/api.js';
import type { Stage } from '../../shared/contract/job.js';
import type { Client } from '../../shared/client.js';
import { action, type Context } from '../context.js';
import { paintStanding, STAGE_NAMES } from '../describe/stage.js';
import type { Io } from '../io.js';
import { age, oneLine, table } from '../text.js';
import { wholeNumber } from './arguments.js';

const DEFAULT_LIMIT = 30;
const MAX_LIMIT = 500;
const WATCH_MS = 2000;
/** Home, and erase what is below: less flicker than erasing first. */
const REDRAW = '\u001B[H\u001B[J';
const CLEAR = '\u001B[2J';

interface Flags {
  stage?: Stage;
  product?: string;
  limit: number;
  watch?: boolean;
}

export function addList(program: Command, io: Io): void {
  program
    .command('list')
    .alias('ls')
    .description('jobs, the newest first')
    .addOption(new Option('-s, --stage <stage>', 'only those in a stage').choices(STAGE_NAMES))
    .option('-p, --product <id>', 'only those of a product (default: all that you may see)')
    .option(
      '-n, --limit <n>',
      `at most so many, up to ${MAX_LIMIT}`,
      wholeNumber(1, MAX_LIMIT),
      DEFAULT_LIMIT,
    )
    .option('-w, --watch', 'stay and show changes; with --json a line each time something changed')
    .addHelpText(
      'after',
      `
Examples:
  aq list
  aq list --stage testing
  aq list --watch
  aq list --json | jq -r '.jobs[] | select(.stage == "failed") | .jobId'`,
    )
    .action(action<[], Flags>(io, list));
}

async function list(context: Context, flags: Flags): Promise<void> {
  const client = await context.client();
  if (!flags.watch) {
    const answer = { jobs: await fetchJobs(client, flags) };
    context.answer(answer, () => jobTable(context, answer.jobs));
    return;
  }
  const { stdout } = context.io;
  const redraw = stdout.isTTY && !context.json;
  if (redraw) stdout.write(CLEAR);
  for (let shown = ''; ; await context.io.sleep(WATCH_MS)) {
    const jobs = await fetchJobs(client, flags);
    const state = JSON.stringify(jobs);
    // Ages grow by themselves: a person's table is drawn each time, a program hears of changes.
    if (redraw) stdout.write(`${REDRAW}${jobTable(context, jobs)}\n`);
    else if (state !== shown) context.say(context.json ? JSON.stringify({ jobs }) : jobTable(context, jobs));
    shown = state;
  }
}

async function fetchJobs(client: Client, { stage, product, limit }: Flags): Promise<JobSummary[]> {
  const { jobs } = await client.listJobs({
    query: { limit, ...(stage ? { stage } : {}), ...(product ? { productId: product } : {}) },
  });
  return jobs;
}

function jobTable({ paint, io }: Context, jobs: readonly JobSummary[]): string {
  if (jobs.length === 0) return 'No jobs. Submit one with: aq submit FILE.md';
  const now = io.now();
  const several = new Set(jobs.map(({ productId }) => productId)).size > 1;
  const heads = ['JOB', 'STAGE', 'FOR', 'PRIORITY', 'FACTORY', ...(several ? ['PRODUCT'] : []), 'TITLE'];
  const rows = jobs.map((job) => [
    job.jobId,
    paintStanding(paint, job),
    age(now - Date.parse(job.stageSince)) + (job.sla?.breached ? paint('red', ' late') : ''),
    job.manifest.priority,
    job.holder ?? '–',
    ...(several ? [job.productId] : []),
    oneLine(job.title),
  ]);
  return table([heads.map((head) => paint('dim', head)), ...rows], io.stdout.columns);
}
