// The kill switches: everything, one pool, or one product.
import type { Command } from 'commander';
import type { RouteResult } from '../../shared/contract/routeTypes.js';
import type { Switch } from '../../shared/contract/switches.js';
import { AppError } from '../../shared/errors.js';
import { action, type Context } from '../context.js';
import type { Io } from '../io.js';
import { age, oneLine, table } from '../text.js';

interface Flags {
  reason: string;
  lift?: boolean;
  history?: boolean;
}

export function addHalt(program: Command, io: Io): void {
  program
    .command('halt')
    .description('kill switch: nothing is claimed, and what runs stops within one renewal of its lease')
    .argument('[scope]', 'fleet, pool:<name> or product:<id>; left out, what is halted is listed')
    .option('-m, --reason <text>', 'for the record', 'halted from the command line')
    .option('--lift', 'let the scope go on')
    .option('--history', 'who halted and lifted what, when and why: the newest first')
    .addHelpText(
      'after',
      "\nExamples:\n  aq halt fleet -m 'leaked credential'\n  aq halt\n  aq halt fleet --lift\n  aq halt --history",
    )
    .action(
      action<[string | undefined], Flags>(io, async (context, { reason, lift, history }, scope) => {
        const client = await context.client();
        if (history) {
          const { records } = await client.listSwitchRecords();
          const kept = records.filter((record) => scope === undefined || record.scope === scope);
          context.answer({ records: kept }, () => describeRecords(context, kept));
          return;
        }
        if (scope === undefined && lift)
          throw new AppError('invalid-request', 'Which scope? Name it: aq halt fleet --lift.');
        const list =
          scope === undefined
            ? await client.listSwitches()
            : await (lift ? client.resume({ body: { scope } }) : client.halt({ body: { scope, reason } }));
        context.answer(list, () => describe(context, list.on));
      }),
    );
}

function describe({ paint, io }: Context, on: readonly Switch[]): string {
  if (on.length === 0) return 'Nothing is halted.';
  const rows = on.map(({ scope, since, by, reason }) => [
    paint('red', scope),
    `${age(io.now() - Date.parse(since))} ago`,
    by.id,
    oneLine(reason),
  ]);
  return table(
    [['HALTED', 'SINCE', 'BY', 'REASON'].map((head) => paint('dim', head)), ...rows],
    io.stdout.columns,
  );
}

type Records = RouteResult<'listSwitchRecords'>['records'];

function describeRecords({ paint, io }: Context, records: Records): string {
  if (records.length === 0) return 'Nothing was ever halted.';
  const rows = records.map(({ at, action: what, scope, actor, reason }) => [
    at,
    what === 'halt' ? paint('red', 'halt') : paint('green', 'lift'),
    scope,
    actor.id,
    reason === undefined ? '' : oneLine(reason),
  ]);
  return table(
    [['AT', 'ACTION', 'SCOPE', 'BY', 'REASON'].map((head) => paint('dim', head)), ...rows],
    io.stdout.columns,
  );
}
