// What no function could work on: it is put aside so that the rest goes on, and tried again.
import type { Command } from 'commander';
import { count } from '../../shared/contract/count.js';
import type { ParkedView } from '../../shared/contract/parked.js';
import { action, type Context } from '../context.js';
import type { Io } from '../io.js';
import { age, clockTime, oneLine, table } from '../text.js';

export function addParked(program: Command, io: Io): void {
  const parked = program
    .command('parked')
    .description('what a function could not work on and put aside: why, and when it is tried again')
    .addHelpText('after', '\nExamples:\n  aq parked\n  aq parked retry')
    .action(
      action<[], object>(io, async (context) => {
        const client = await context.client();
        const answer = await client.listParked();
        context.answer(answer, () => describe(context, answer.parked));
      }),
    );

  parked
    .command('retry')
    .description('try it again now, whatever its pause')
    .argument('[id]', 'as aq parked lists it; left out, everything')
    .addHelpText(
      'after',
      '\nExamples:\n  aq parked retry\n  aq parked retry parked:echoToTracker:job-3f9a:event:00000002',
    )
    .action(
      action<[string | undefined], object>(io, async (context, _flags, id) => {
        const client = await context.client();
        const answer = await client.retryParkedNow({ body: id === undefined ? {} : { id } });
        const { done, parked: left } = answer;
        context.answer(
          answer,
          () =>
            `${count(done.length, 'document')} went through.${left.length > 0 ? `\n${describe(context, left)}` : ''}`,
        );
      }),
    );
}

function describe({ paint, io }: Context, parked: readonly ParkedView[]): string {
  if (parked.length === 0) return 'Nothing is parked.';
  const rows = parked.map(({ id, at, retryAt, retries, error }) => [
    id,
    `${age(io.now() - Date.parse(at))} ago`,
    String(retries),
    retryAt === undefined ? 'by hand' : clockTime(retryAt),
    oneLine(error),
  ]);
  return table(
    [['PARKED', 'SINCE', 'RETRIES', 'NEXT', 'ERROR'].map((head) => paint('dim', head)), ...rows],
    io.stdout.columns,
  );
}
