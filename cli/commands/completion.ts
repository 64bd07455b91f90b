import { Argument, type Command } from 'commander';
import { COMPLETE, complete, SCRIPTS, SHELLS, type Candidate, type Shell } from '../completion.js';
import { action, type Context } from '../context.js';
import type { Io } from '../io.js';

/** A tab that waits longer than this for job ids (ms) feels broken. */
const JOBS_TIMEOUT_MS = 1500;
const OFFERED_JOBS = 50;

export function addCompletion(program: Command, io: Io): void {
  program
    .command('completion')
    .description('a script that completes commands, options and job ids')
    .addArgument(new Argument('<shell>').choices([...SHELLS]))
    .addHelpText(
      'after',
      `
Examples:
  source <(aq completion bash)
  source <(aq completion zsh)
  aq completion fish > ~/.config/fish/completions/aq.fish`,
    )
    .action(
      action<[Shell], object>(io, async (context, _flags, shell) => {
        context.io.stdout.write(SCRIPTS[shell]);
        return Promise.resolve();
      }),
    );

  program
    .command(COMPLETE, { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .helpOption(false)
    .action(
      action<[string[]], object>(io, async (context, _flags, words) => {
        const candidates = await complete(program, words, () => recentJobs(context));
        for (const { value, description } of candidates) context.say(`${value}\t${description}`);
      }),
    );
}

async function recentJobs(context: Context): Promise<Candidate[]> {
  try {
    const client = await context.client();
    const { jobs } = await client.listJobs(
      { query: { limit: OFFERED_JOBS } },
      { signal: AbortSignal.timeout(JOBS_TIMEOUT_MS) },
    );
    return jobs.map(({ jobId, stage, title }) => ({ value: jobId, description: `${stage}: ${title}` }));
  } catch {
    // No ids to offer is no reason to write into somebody's command line.
    return [];
  }
}
