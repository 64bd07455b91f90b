import type { Command } from 'commander';
import type { Problem } from '../../shared/errors.js';
import { action, type Context } from '../context.js';
import { EXIT, type ExitCode } from '../exitCodes.js';
import { describeProblem } from '../failures.js';
import { readInput } from '../input.js';
import type { Io } from '../io.js';
import { count } from '../text.js';

export function addManifest(program: Command, io: Io, exit: (code: ExitCode) => void): void {
  const manifest = program.command('manifest').description('job files, without submitting them');
  manifest
    .command('validate')
    .description('tell every problem with its line; needs no connection')
    .argument('<files...>', 'job files; - is standard input')
    .addHelpText(
      'after',
      '\nExamples:\n  aq manifest validate jobs/*.md\n  aq manifest validate - < job.json',
    )
    .action(
      action<[string[]], object>(io, async (context, _flags, files) => {
        const valid = await validate(context, files);
        if (!valid) exit(EXIT.usage);
      }),
    );
}

async function validate(context: Context, files: readonly string[]): Promise<boolean> {
  const { paint, io } = context;
  // The schema takes longer to load than most commands take in all.
  const { parseManifest } = await import('../../shared/manifest.js');
  const results: { file: string; ok: boolean; problems: Problem[] }[] = [];
  for (const file of files) {
    const read = parseManifest(await readInput(io, file));
    results.push({ file, ok: read.kind === 'ok', problems: read.kind === 'ok' ? [] : read.problems });
  }
  context.answer({ files: results }, () =>
    results
      .flatMap(({ file, ok, problems }) => [
        `${ok ? paint('green', 'ok') : paint('red', count(problems.length, 'problem'))}  ${file}`,
        ...problems.map((problem) => describeProblem(problem, paint, file)),
      ])
      .join('\n'),
  );
  return results.every(({ ok }) => ok);
}
