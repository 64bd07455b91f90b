import type { Command } from 'commander';
import type { Client } from '../../shared/client.js';
import type { SubmitJob } from '../../shared/contract/api.js';
import type { RouteResult } from '../../shared/contract/routeTypes.js';
import type { JobView } from '../../shared/contract/view.js';
import { AppError } from '../../shared/errors.js';
import { action, type Context } from '../context.js';
import { describeExitFrom } from '../describe/outcome.js';
import { inFile, JobFailed } from '../failures.js';
import { followUntilSettled } from '../follow.js';
import { readInput } from '../input.js';
import type { Io } from '../io.js';
import { warnIfStranded } from '../stranded.js';
import { oneLine } from '../text.js';

interface Flags {
  product?: string;
  key?: string;
  wait?: boolean;
}

export function addSubmit(program: Command, io: Io): void {
  program
    .command('submit')
    .description('submit a job: markdown with front matter, or JSON')
    .argument('<file>', 'the manifest; - reads it from standard input')
    .option('-p, --product <id>', 'whose job it is (default: of the connection)')
    .option('-k, --key <key>', 'idempotency key: the same key never makes a second job')
    .option('-w, --wait', 'stay until it is tested, parked or failed, and tell what happens')
    .addHelpText(
      'after',
      `
Examples:
  aq submit fix.md
  aq submit fix.md --wait
  aq submit - --key nightly-2026-11-21 < job.json
  aq submit fix.md --json | jq -r .job.jobId`,
    )
    .action(action<[string], Flags>(io, submit));
}

/** A composite runs nothing itself, unless its profile plans for it. */
const nextStep = ({ jobId, manifest }: JobView): string =>
  manifest.kind === 'composite' && manifest.profile === undefined
    ? `give it children: aq children add ${jobId} FILES`
    : `watch it: aq logs ${jobId} -f`;

async function submit(context: Context, flags: Flags, file: string): Promise<void> {
  const text = await readInput(context.io, file);
  const productId = await context.product(flags.product);
  const client = await context.client();
  const submitted = await send(client, productId, text, flags.key).catch((error: unknown) => {
    throw inFile(error, file);
  });
  const { job, created } = submitted;
  if (!flags.wait) {
    context.answer(submitted, () =>
      created
        ? `${job.jobId}  ${oneLine(job.title)}\n${context.paint('dim', nextStep(job))}`
        : `${job.jobId} was there already with this key and content; it is in ${job.stage}.`,
    );
    await warnIfStranded(context, client, job);
    return;
  }
  context.progress(`${job.jobId}  ${oneLine(job.title)}${created ? '' : ' (was there already)'}`);
  await warnIfStranded(context, client, job);
  const detail = await followUntilSettled(context, client, job.jobId, 0);
  const { stage, failure } = detail.job;
  const failed = stage === 'failed' || stage === 'dead_letter';
  // A failure is told as such below; its message stands among the events above.
  if (!failed || context.json)
    context.answer({ job: detail.job, created }, () =>
      describeExitFrom(detail.job, context.paint, detail.notPushedDirectly),
    );
  if (failed)
    throw new JobFailed(
      context.json
        ? `${job.jobId} failed: ${failure?.message ?? stage}`
        : describeExitFrom(detail.job, context.paint),
    );
}

async function send(
  client: Client,
  productId: string,
  text: string,
  key: string | undefined,
): Promise<RouteResult<'submitJob'>> {
  const body = key === undefined ? { productId, text } : await withKey(productId, text, key);
  return client.submitJob({ body });
}

/** The key is a field of the manifest; a file may have one of its own, and the command line wins. */
async function withKey(productId: string, text: string, key: string): Promise<SubmitJob> {
  const [{ parseManifest }, { readSource }] = await Promise.all([
    import('../../shared/manifest.js'),
    import('../../shared/manifest/source.js'),
  ]);
  const parsed = parseManifest(text);
  const read = readSource(text);
  if (parsed.kind === 'invalid' || read.kind === 'invalid')
    throw new AppError('invalid-manifest', 'the manifest is not valid', {
      problems: parsed.kind === 'invalid' ? parsed.problems : [],
    });
  // As written, not as parsed: what the file leaves open is the product's to fill.
  return { productId, manifest: { ...(read.source.value as object), 'idempotency-key': key } };
}
