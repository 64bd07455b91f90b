import type { Command } from 'commander';
import { count } from '../../shared/contract/count.js';
import type { Dag } from '../../shared/contract/dag.js';
import { action } from '../context.js';
import { paintStanding } from '../describe/stage.js';
import type { Io } from '../io.js';
import { jobIdFrom } from '../jobRef.js';
import { oneLine, table, type Paint } from '../text.js';

export function addDag(program: Command, io: Io): void {
  program
    .command('dag')
    .description('the jobs that a job waits for, and those that wait for it')
    .argument('<job>', 'its id, or the beginning of it')
    .addHelpText('after', '\nExamples:\n  aq dag 3f9a\n  aq dag 3f9a --json | jq .edges')
    .action(
      action<[string], object>(io, async (context, _flags, ref) => {
        const client = await context.client();
        const jobId = await jobIdFrom(client, ref);
        const dag = await client.getDag({ params: { jobId } });
        context.answer(dag, () => describeDag(dag, jobId, context.paint, context.io.stdout.columns));
      }),
    );
}

/** One line a job, each below those that it waits for. */
function describeDag({ jobs, edges }: Dag, asked: string, paint: Paint, columns: number): string {
  const needs = new Map<string, string[]>();
  const parents = new Map(jobs.map(({ jobId, parent }) => [jobId, parent]));
  const children = new Map<string, number>();
  for (const { from, to, until, met } of edges) {
    if (parents.get(from) === to) {
      children.set(to, (children.get(to) ?? 0) + 1);
      continue;
    }
    const name = until === 'testing' ? `${from}@testing` : from;
    needs.set(to, [...(needs.get(to) ?? []), met ? paint('dim', `✓ ${name}`) : name]);
  }
  const family = (number = 0): string[] =>
    number === 0 ? [] : [`its ${count(number, 'child', 'children')}`];
  const rows = jobs.map(({ jobId, title, ...standing }) => [
    jobId === asked ? paint('bold', jobId) : jobId,
    paintStanding(paint, standing),
    oneLine(title),
    [...(needs.get(jobId) ?? []), ...family(children.get(jobId))].join(', ') || '–',
  ]);
  return table([['JOB', 'STAGE', 'TITLE', 'WAITS FOR'].map((head) => paint('dim', head)), ...rows], columns);
}
