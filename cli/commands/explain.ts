import type { Command } from 'commander';
import { action } from '../context.js';
import { describeExplanation } from '../describe/explanation.js';
import type { Io } from '../io.js';
import { jobIdFrom } from '../jobRef.js';

export function addExplain(program: Command, io: Io): void {
  program
    .command('explain')
    .description('why a job runs where it runs, or why it waits and what would place it')
    .argument('<job>', 'its id, or the beginning of it')
    .addHelpText('after', '\nExamples:\n  aq explain 3f9a\n  aq explain 3f9a --json | jq -r .wouldPlace')
    .action(
      action<[string], object>(io, async (context, _flags, ref) => {
        const client = await context.client();
        const jobId = await jobIdFrom(client, ref);
        const explanation = await client.explainJob({ params: { jobId } });
        context.answer(explanation, () =>
          describeExplanation(explanation, context.paint, context.io.stdout.columns),
        );
      }),
    );
}
