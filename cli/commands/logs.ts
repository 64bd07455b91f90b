import type { RunView } from '../../shared/contract/view.js';
import type { Command } from 'commander';
import type { Client } from '../../shared/client.js';
import { AppError } from '../../shared/errors.js';
import { action, type Context } from '../context.js';
import type { Io } from '../io.js';
import { jobIdFrom } from '../jobRef.js';
import { cleanLog } from '../text.js';
import { wholeNumber } from './arguments.js';

/** Without -f, a live log that says nothing for so long (ms) has told all that it had … */
const QUIET_MS = 700;
/** … but the first words may take longer: there is a connection to be made, perhaps to an instance that starts. */
const FIRST_WORDS_MS = 5000;

interface Flags {
  follow?: boolean;
  run?: number;
}

export function addLogs(program: Command, io: Io): void {
  program
    .command('logs')
    .description("a run's log")
    .argument('<job>', 'its id, or the beginning of it')
    .option('-f, --follow', 'stay and show it live, further runs of the job included')
    .option('-r, --run <n>', 'which run (default: the last one)', wholeNumber(1))
    .addHelpText(
      'after',
      `
Examples:
  aq logs 3f9a -f
  aq logs 3f9a --run 1
  aq logs 3f9a --json     one JSON line a piece: {"run","offset","text"}, {"run","end":true}`,
    )
    .action(action<[string], Flags>(io, logs));
}

async function logs(context: Context, flags: Flags, ref: string): Promise<void> {
  const client = await context.client();
  const jobId = await jobIdFrom(client, ref);
  let run = await chooseRun(client, jobId, flags.run);
  for (;;) {
    await printLog(context, client, run, flags.follow === true || run.endedAt !== undefined);
    if (!flags.follow || flags.run !== undefined) return;
    const { runs } = await client.getJob({ params: { jobId } });
    const next = runs.find(({ epoch }) => epoch > run.epoch);
    if (!next) return;
    context.progress(context.paint('dim', `── run ${next.epoch} (${next.kind}) on ${next.factoryId} ──`));
    run = next;
  }
}

async function chooseRun(client: Client, jobId: string, wanted: number | undefined): Promise<RunView> {
  const { runs, job } = await client.getJob({ params: { jobId } });
  const sorted = runs.toSorted((a, b) => a.epoch - b.epoch);
  const run = wanted === undefined ? sorted.at(-1) : sorted.find(({ epoch }) => epoch === wanted);
  if (run) return run;
  throw new AppError(
    'not-found',
    sorted.length === 0
      ? `${jobId} has not run yet: it is in ${job.stage}. \`aq explain ${jobId}\` says why.`
      : `${jobId} has no run ${wanted}; its runs are ${sorted.map(({ epoch }) => epoch).join(', ')}.`,
  );
}

/** @param toItsEnd false: only what is there by now */
async function printLog(context: Context, client: Client, run: RunView, toItsEnd: boolean): Promise<void> {
  const { stdout } = context.io;
  const stop = new AbortController();
  let quiet = toItsEnd ? undefined : setTimeout(() => stop.abort(), FIRST_WORDS_MS);
  let lineIsOpen = false;
  const params = { jobId: run.jobId, epoch: run.epoch };
  try {
    for await (const part of client.streamLog({ params, signal: stop.signal })) {
      if (!toItsEnd) {
        clearTimeout(quiet);
        quiet = setTimeout(() => stop.abort(), QUIET_MS);
      }
      if (context.json) context.say(JSON.stringify({ run: run.epoch, ...part }));
      else if ('text' in part) {
        stdout.write(stdout.isTTY ? cleanLog(part.text) : part.text);
        lineIsOpen = !part.text.endsWith('\n');
      }
    }
  } finally {
    clearTimeout(quiet);
  }
  if (lineIsOpen) stdout.write('\n');
}
