// The two commands that change where a job stands, with a reason for the record.
import type { Command } from 'commander';
import { action } from '../context.js';
import { paintStage } from '../describe/stage.js';
import type { Io } from '../io.js';
import { jobIdFrom } from '../jobRef.js';

interface Flags {
  reason: string;
}

const COMMANDS = [
  {
    name: 'cancel',
    route: 'cancelJob',
    description: 'stop a job for good; a running one is stopped within one renewal of its lease',
    reason: 'cancelled from the command line',
    example: "aq cancel 3f9a --reason 'the item was withdrawn'",
  },
  {
    name: 'requeue',
    route: 'requeueJob',
    description: 'run a failed or parked job once more from the start',
    reason: 'requeued from the command line',
    example: "aq requeue 3f9a --reason 'the repository is back'",
  },
] as const;

export function addCancelAndRequeue(program: Command, io: Io): void {
  for (const { name, route, description, reason, example } of COMMANDS)
    program
      .command(name)
      .description(description)
      .argument('<job>', 'its id, or the beginning of it')
      .option('-m, --reason <text>', "for the job's record", reason)
      .addHelpText('after', `\nExamples:\n  ${example}`)
      .action(
        action<[string], Flags>(io, async (context, flags, ref) => {
          const client = await context.client();
          const jobId = await jobIdFrom(client, ref);
          const changed = await client[route]({ params: { jobId }, body: { reason: flags.reason } });
          context.answer(changed, () => `${jobId} is in ${paintStage(context.paint, changed.job.stage)}`);
        }),
      );
}
