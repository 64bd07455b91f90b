// The commands that change where a job stands; most take a reason for the record.
import type { Command } from 'commander';
import type { RouteResult } from '../../shared/contract/routeTypes.js';
import { action, type Context } from '../context.js';
import { isCancelled, paintStanding } from '../describe/stage.js';
import type { Io } from '../io.js';
import { jobIdFrom } from '../jobRef.js';

interface Flags {
  reason: string;
}

const WITH_REASON = [
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
  {
    name: 'reject',
    route: 'rejectJob',
    description: 'turn a change down; say why, it is all that the next run learns',
    reason: undefined,
    example: "aq reject 3f9a --reason 'the old format must still be read'",
  },
  {
    name: 'override',
    route: 'overrideJob',
    description: 'let a change ship that left its allowed scope; for admins, with the reason',
    reason: undefined,
    example: "aq override 3f9a --reason 'the licence header was asked for'",
  },
  {
    name: 'hold',
    route: 'holdJob',
    description: 'keep a job where it is: nobody claims or ships it',
    reason: 'held from the command line',
    example: "aq hold 3f9a --reason 'after the release'",
  },
  {
    name: 'pause',
    route: 'pauseJob',
    description: 'stop the run of a job and keep it in the queue until it is resumed',
    reason: 'paused from the command line',
    example: "aq pause 3f9a --reason 'the machine is needed'",
  },
] as const;

const WITHOUT_REASON = [
  {
    name: 'approve',
    route: 'approveJob',
    description: "say yes to a change, as its review policy's reviewers do",
  },
  {
    name: 'promote',
    route: 'promoteJob',
    description: 'take a change out of review into testing without shipping it',
  },
  { name: 'resume', route: 'resumeJob', description: 'lift a hold or a pause', alias: 'release' },
] as const;

export function addChanges(program: Command, io: Io): void {
  for (const { name, route, description, reason, example } of WITH_REASON) {
    const command = program
      .command(name)
      .description(description)
      .argument('<job>', 'its id, or the beginning of it')
      .addHelpText('after', `\nExamples:\n  ${example}`)
      .action(
        action<[string], Flags>(io, async (context, flags, ref) => {
          const client = await context.client();
          const jobId = await jobIdFrom(client, ref);
          tell(context, await client[route]({ params: { jobId }, body: { reason: flags.reason } }));
        }),
      );
    if (reason === undefined) command.requiredOption('-m, --reason <text>', "for the job's record");
    else command.option('-m, --reason <text>', "for the job's record", reason);
  }
  for (const { name, route, description, ...more } of WITHOUT_REASON) {
    const command = program
      .command(name)
      .description(description)
      .argument('<job>', 'its id, or the beginning of it')
      .addHelpText('after', `\nExamples:\n  aq ${name} 3f9a`)
      .action(
        action<[string], object>(io, async (context, _flags, ref) => {
          const client = await context.client();
          const jobId = await jobIdFrom(client, ref);
          tell(context, await client[route]({ params: { jobId } }));
        }),
      );
    if ('alias' in more) command.alias(more.alias);
  }
}

function tell(context: Context, changed: RouteResult<'cancelJob'>): void {
  const { jobId, hold } = changed.job;
  context.answer(
    changed,
    () =>
      `${jobId} is ${isCancelled(changed.job) ? '' : 'in '}${paintStanding(context.paint, changed.job)}${hold === undefined ? '' : ', on hold'}`,
  );
}
