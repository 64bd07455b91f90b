import type { Command } from 'commander';
import { action, type Context } from '../context.js';
import { describeExitFrom } from '../describe/outcome.js';
import { JobFailed } from '../failures.js';
import { followUntilSettled } from '../follow.js';
import type { Io } from '../io.js';
import { jobIdFrom } from '../jobRef.js';

interface Flags {
  wait: boolean;
}

export function addShip(program: Command, io: Io): void {
  program
    .command('ship')
    .description('merge a tested change; a factory does it')
    .argument('<job>', 'its id, or the beginning of it')
    .option('--no-wait', 'return when it is asked for, not when it is merged')
    .addHelpText('after', '\nExamples:\n  aq ship 3f9a\n  aq ship 3f9a --no-wait --json')
    .action(action<[string], Flags>(io, ship));
}

async function ship(context: Context, { wait }: Flags, ref: string): Promise<void> {
  const client = await context.client();
  const jobId = await jobIdFrom(client, ref);
  const before = await client.getJob({ params: { jobId } });
  const asked = await client.shipJob({ params: { jobId } });
  if (!wait) {
    context.answer(asked, () => `${jobId} will be merged; see aq show ${jobId}`);
    return;
  }
  const { job, events } = await followUntilSettled(context, client, jobId, before.job.events);
  context.answer({ job, events }, () => describeExitFrom(job, context.paint));
  if (job.stage === 'shipped') return;
  const refused = events.findLast(({ body }) => body.kind === 'ship.refused')?.body;
  const why =
    refused?.kind === 'ship.refused' ? refused.message : (job.failure?.message ?? `it is in ${job.stage}`);
  throw new JobFailed(`${jobId} was not merged: ${why}`);
}
