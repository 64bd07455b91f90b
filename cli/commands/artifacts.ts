// Files that the runs of a job kept.
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { count } from '../../shared/contract/count.js';
import type { Client } from '../../shared/client.js';
import type { Artifact } from '../../shared/contract/job.js';
import { AppError } from '../../shared/errors.js';
import { action, type Context } from '../context.js';
import type { Io } from '../io.js';
import { jobIdFrom } from '../jobRef.js';
import { oneLine, table } from '../text.js';

interface Flags {
  output?: string;
}

export function addArtifacts(program: Command, io: Io): void {
  program
    .command('artifacts')
    .description(
      'files that the runs of a job kept; with a path, fetch that file of the last run that kept it',
    )
    .argument('<job>', 'its id, or the beginning of it')
    .argument('[path]', 'the file')
    .option('-o, --output <file>', 'where to put it (default: its name, here)')
    .addHelpText(
      'after',
      '\nExamples:\n  aq artifacts 3f9a\n  aq artifacts 3f9a coverage/lcov.info\n  aq artifacts 3f9a report.html -o /tmp/report.html',
    )
    .action(action<[string, string | undefined], Flags>(io, artifacts));
}

async function artifacts(
  context: Context,
  flags: Flags,
  ref: string,
  file: string | undefined,
): Promise<void> {
  const client = await context.client();
  const jobId = await jobIdFrom(client, ref);
  const { runs } = await client.getJob({ params: { jobId } });
  const all = runs.flatMap(({ epoch, artifacts: kept = [] }) => kept.map((one) => ({ epoch, ...one })));
  if (file === undefined) {
    context.answer({ jobId, artifacts: all }, () =>
      all.length === 0
        ? `${jobId} kept no files`
        : table(
            [
              ['RUN', 'BYTES', 'SHA-256', 'PATH'].map((head) => context.paint('dim', head)),
              ...all.map((one) => [
                String(one.epoch),
                String(one.bytes),
                one.sha256.slice(0, 12),
                oneLine(one.path),
              ]),
            ],
            context.io.stdout.columns,
          ),
    );
    return;
  }
  const wanted = all.findLast((one) => one.path === file);
  if (wanted === undefined)
    throw new AppError(
      'not-found',
      `${jobId} kept no file ${file}; \`aq artifacts ${jobId}\` lists ${count(all.length, 'file')}`,
    );
  const bytes = await fetchWhole(client, jobId, wanted);
  const to = path.resolve(context.io.cwd, flags.output ?? path.posix.basename(wanted.path));
  await mkdir(path.dirname(to), { recursive: true });
  await writeFile(to, bytes);
  context.answer({ jobId, ...wanted, file: to }, () => `${to}: ${count(bytes.length, 'byte')}, checksum ok`);
}

async function fetchWhole(
  client: Client,
  jobId: string,
  { epoch, path: name, sha256 }: Artifact & { epoch: number },
): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for (let offset: number | undefined = 0; offset !== undefined;) {
    const piece = await client.getArtifact({ params: { jobId, epoch }, query: { path: name, offset } });
    pieces.push(Buffer.from(piece.base64, 'base64'));
    offset = piece.nextOffset;
  }
  const bytes = Buffer.concat(pieces);
  if (createHash('sha256').update(bytes).digest('hex') !== sha256)
    throw new AppError(
      'internal',
      `${name} does not have the checksum that its run told: it was changed in the store`,
    );
  return bytes;
}
