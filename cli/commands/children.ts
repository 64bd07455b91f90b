// The children of a composite job.
import type { Command } from 'commander';
import { count } from '../../shared/contract/count.js';
import { AppError } from '../../shared/errors.js';
import { action, type Context } from '../context.js';
import type { FileProblem } from '../failures.js';
import type { Io } from '../io.js';
import { jobIdFrom } from '../jobRef.js';
import { scanManifestSet, type ManifestFile } from '../manifestSet.js';
import { table } from '../text.js';

interface Flags {
  failFast?: boolean;
}

export function addChildrenCommands(program: Command, io: Io): void {
  const children = program.command('children').description('the parts of a composite job');
  children
    .command('add')
    .description('give a composite job (kind: composite) its children: all of them, or none')
    .argument('<job>', 'the composite: its id, or the beginning of it')
    .argument(
      '<files...>',
      'job files or folders of them; a file’s name is the child’s key, which siblings name in `deps`',
    )
    .option('--fail-fast', 'the first child that fails stops the others')
    .addHelpText(
      'after',
      '\nExamples:\n  aq children add 3f9a roadmap/\n  aq children add 3f9a api.md ui.md --fail-fast',
    )
    .action(action<[string, string[]], Flags>(io, add));
}

/** What the API says of a child by its key is said of the file that it was read from. */
function inFiles(error: unknown, set: readonly Omit<ManifestFile, 'manifest'>[]): unknown {
  if (!(error instanceof AppError) || !error.detail.problems) return error;
  const problems = error.detail.problems.map((problem): FileProblem => {
    // Keys may have dots in them: the longest one that fits is meant.
    const [child] = set
      .filter(({ key }) => `${problem.path}.`.startsWith(`children.${key}.`))
      .toSorted((one, other) => other.key.length - one.key.length);
    if (!child) return problem;
    return { ...problem, path: problem.path.slice(`children.${child.key}.`.length), file: child.file };
  });
  return new AppError(error.code, error.message, { ...error.detail, problems }, { cause: error });
}

async function add(context: Context, flags: Flags, ref: string, files: string[]): Promise<void> {
  // Sent with its problems too: the API tells these together with those that only it can find.
  const { set } = await scanManifestSet(context.io, files);
  const keyed = set.find(({ manifest }) => manifest?.['idempotency-key'] !== undefined);
  if (keyed)
    throw new AppError(
      'invalid-request',
      `${keyed.file}: a child is known by its file’s name; leave its idempotency-key out.`,
    );
  const client = await context.client();
  const jobId = await jobIdFrom(client, ref);
  const added = await client
    .addChildren({
      params: { jobId },
      body: {
        'on-failure': flags.failFast === true ? 'fail-fast' : 'continue',
        children: set.map(({ key, text }) => ({ key, text })),
      },
    })
    .catch((error: unknown) => {
      throw inFiles(error, set);
    });
  context.answer(added, () =>
    [
      `${jobId} has ${count(added.job.children?.count ?? 0, 'child', 'children')} now`,
      table(
        added.children.map((child) => [child.jobId, child.key]),
        context.io.stdout.columns,
      ),
      context.paint('dim', `watch them: aq dag ${jobId}`),
    ].join('\n'),
  );
}
