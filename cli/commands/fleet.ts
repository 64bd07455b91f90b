// The fleet: its factories, how a new one joins, and whether every part is there.
import type { Command } from 'commander';
import { count } from '../../shared/contract/count.js';
import type { RouteResult } from '../../shared/contract/routeTypes.js';
import { AppError } from '../../shared/errors.js';
import { EXIT, type ExitCode } from '../exitCodes.js';
import { action, type Context } from '../context.js';
import type { Io } from '../io.js';
import { age, clockTime, oneLine, table, took, type Colour } from '../text.js';
import { duration } from './arguments.js';

const DEFAULT_ENROLMENT = '15m';

export function addFleet(program: Command, io: Io, exit: (code: ExitCode) => void): void {
  const factories = program
    .command('factories')
    .description('the factories: what they can do and what they are doing')
    .addHelpText(
      'after',
      "\nSEEN is when a factory was last heard. Idle factories are silent: they wait on their pools' queues, and one that\nends in order is offline at once.\n\nExamples:\n  aq factories\n  aq factories --json | jq '.factories[].advertises'",
    )
    .action(action<[], object>(io, listFactories));

  factories
    .command('revoke')
    .description('throw a factory out: its token is worth nothing, its jobs go back to the queue')
    .argument('<factory>', 'as aq factories lists it')
    .requiredOption('-m, --reason <text>', 'for the record')
    .addHelpText('after', "\nExamples:\n  aq factories revoke old-laptop -m 'stolen'")
    .action(
      action<[string], { reason: string }>(io, async (context, { reason }, factoryId) => {
        const client = await context.client();
        const answer = await client.revokeFactory({ params: { factoryId }, body: { reason } });
        const jobs = answer.requeued.map((jobId) => `\n  ${jobId} is queued again`).join('');
        context.answer(answer, () => `${factoryId} is out; it needs a new enrolment to come back.${jobs}`);
      }),
    );

  factories
    .command('drain')
    .description('ask a factory to go away: it gets nothing more, and gives back what it runs')
    .argument('<factory>', 'as aq factories lists it')
    .option('-m, --reason <text>', 'for the record', 'drained from the command line')
    .option('--undo', 'let it have work again')
    .addHelpText(
      'after',
      "\nExamples:\n  aq factories drain mac-2 -m 'it gets a new disk'\n  aq factories drain mac-2 --undo",
    )
    .action(
      action<[string], { reason: string; undo?: boolean }>(
        io,
        async (context, { reason, undo }, factoryId) => {
          const client = await context.client();
          const body = { reason, undo: undo === true };
          const answer = await client.drainFactory({ params: { factoryId }, body });
          const jobs = answer.jobs.map((jobId) => `\n  ${jobId} goes back with its next renewal`).join('');
          context.answer(answer, () =>
            undo === true ? `${factoryId} may have work again` : `${factoryId} gets nothing more${jobs}`,
          );
        },
      ),
    );

  program
    .command('enrol')
    .description('make a one-time token for a new factory')
    .option('-p, --product <id...>', 'products whose jobs it may run (default: all)')
    .option('--expires <duration>', 'how long the token may wait, up to 24h', DEFAULT_ENROLMENT)
    .addHelpText('after', '\nExamples:\n  aq enrol\n  aq enrol --product web --product api --expires 1h')
    .action(action<[], EnrolFlags>(io, enrol));

  program
    .command('health')
    .description('is every part there? exit code 5 when one is not')
    .addHelpText('after', '\nExamples:\n  aq health\n  until aq health --json > /dev/null; do sleep 1; done')
    .action(
      action<[], object>(io, async (context) => {
        const client = await context.client();
        const health = await client.getHealth().catch(degradedHealth);
        const { paint } = context;
        const mark = (ok: boolean): string => (ok ? paint('green', 'ok') : paint('red', 'away'));
        const rows = health.parts.map(({ part, ok, ms, error }) => [
          part,
          mark(ok),
          took(ms),
          oneLine(error ?? ''),
        ]);
        context.answer(
          health,
          () =>
            `${health.status}, version ${health.version}\n${table(rows, io.stdout.columns)}${parkedNote(health)}`,
        );
        if (health.status !== 'ok') exit(EXIT.unavailable);
      }),
    );
}

type Health = RouteResult<'getHealth'>;

const parkedNote = ({ parked = 0 }: Health): string =>
  parked === 0 ? '' : `\n${count(parked, 'document')} put aside, see aq parked`;

/** A degraded service answers 503, which the client takes for an error; the parts are in its details. */
function degradedHealth(error: unknown): Health {
  if (!(error instanceof AppError) || !Array.isArray(error.detail['parts'])) throw error;
  const { parts, version } = error.detail as Partial<Health>;
  return { status: 'degraded', version: version ?? 'unknown', parts: parts ?? [] };
}

const STATUS_COLOURS: Readonly<Record<string, Colour>> = {
  online: 'green',
  draining: 'yellow',
  offline: 'red',
};

async function listFactories(context: Context): Promise<void> {
  const client = await context.client();
  const answer = await client.listFactories();
  const { paint, io } = context;
  const rows = answer.factories.map((factory) => [
    factory.id,
    paint(STATUS_COLOURS[factory.status] ?? 'dim', factory.status),
    `${factory.running}/${factory.stations}`,
    `${age(io.now() - Date.parse(factory.lastSeenAt))} ago`,
    factory.pools.join(', ') || '–',
    oneLine(factory.advertises.join(' ')),
  ]);
  const heads = ['FACTORY', 'STATUS', 'BUSY', 'SEEN', 'POOLS', 'ADVERTISES'];
  context.answer(answer, () =>
    rows.length === 0
      ? 'No factories. Enrol one with: aq enrol'
      : table([heads.map((head) => paint('dim', head)), ...rows], io.stdout.columns),
  );
}

interface EnrolFlags {
  product?: string[];
  expires: string;
}

async function enrol(context: Context, { product, expires }: EnrolFlags): Promise<void> {
  const { apiUrl } = await context.connection();
  const client = await context.client();
  const enrolment = await client.createEnrolment({
    body: { products: product ?? ['*'], expiresInSeconds: await duration(expires) },
  });
  context.answer(
    enrolment,
    () => `${enrolment.enrolmentToken}

Shown once, good for one factory until ${clockTime(enrolment.expiresAt)}. On its machine, with SERVICE_BUS set to
the bus (or SERVICE_BUS__fullyQualifiedNamespace, to use an identity); of a local system it stands in
.gigafactory/settings.json, beside the connection file:

  GIGAFACTORY_API=${apiUrl} \\
  GIGAFACTORY_ENROLMENT=${enrolment.enrolmentToken} \\
  node dist/factory/main.js --name my-factory`,
  );
}
