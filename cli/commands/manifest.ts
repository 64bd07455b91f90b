import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Option, type Command } from 'commander';
import { count } from '../../shared/contract/count.js';
import type { Manifest } from '../../shared/contract/manifest.js';
import { AppError, type Problem } from '../../shared/errors.js';
import { action, type Context } from '../context.js';
import { EXIT, type ExitCode } from '../exitCodes.js';
import { describeProblem, inFile } from '../failures.js';
import { describeField } from '../describe/manifest.js';
import { drawGraph, mermaidGraph } from '../describe/graph.js';
import { readInput } from '../input.js';
import type { Io } from '../io.js';
import { filesIn, scanManifestSet } from '../manifestSet.js';
import { oneLine, table } from '../text.js';

export function addManifest(program: Command, io: Io, exit: (code: ExitCode) => void): void {
  const manifest = program.command('manifest').description('job files, without submitting them');
  manifest
    .command('validate')
    .description('tell every problem with its line; needs no connection')
    .argument('<files...>', 'job files, or folders of them; - is standard input')
    .addHelpText('after', '\nExamples:\n  aq manifest validate jobs/\n  aq manifest validate - < job.json')
    .action(
      action<[string[]], object>(io, async (context, _flags, files) => {
        const valid = await validate(context, files);
        if (!valid) exit(EXIT.usage);
      }),
    );
  manifest
    .command('explain')
    .description('what a job file means: every field with its unit resolved, and which are defaults')
    .argument('<file>', 'a job file; - is standard input')
    .addHelpText('after', '\nExamples:\n  aq manifest explain job.md\n  aq manifest explain job.md --json')
    .action(action<[string], object>(io, (context, _flags, file) => explain(context, file)));
  manifest
    .command('fmt')
    .description('put a job file into the usual order of fields; comments stay where they belong')
    .argument('<file>', 'a job file; - is standard input')
    .option('-w, --write', 'change the file instead of printing it')
    .addHelpText('after', '\nExamples:\n  aq manifest fmt job.md\n  aq manifest fmt -w job.md')
    .action(action<[string], { write?: boolean }>(io, format));
  manifest
    .command('graph')
    .description('draw which job files wait for which; names a cycle')
    .argument('<files...>', 'job files, or folders of them')
    .addOption(
      new Option('-f, --format <format>', 'how').choices(['text', 'mermaid', 'json']).default('text'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  aq manifest graph roadmap/\n  aq manifest graph roadmap/ --format mermaid > roadmap.mmd',
    )
    .action(action<[string[]], { format: string }>(io, graph));
}

async function readManifest(
  context: Context,
  file: string,
): Promise<{ text: string; given: readonly string[]; manifest: Manifest }> {
  const { parseManifest } = await import('../../shared/manifest.js');
  const text = await readInput(context.io, file);
  const parsed = parseManifest(text);
  if (parsed.kind === 'ok') return { text, given: parsed.given, manifest: parsed.manifest };
  const { problems } = parsed;
  throw inFile(
    new AppError('invalid-manifest', `the manifest has ${count(problems.length, 'problem')}`, { problems }),
    file,
  );
}

async function explain(context: Context, file: string): Promise<void> {
  const { manifest, given } = await readManifest(context, file);
  const { body, ...fields } = manifest;
  context.answer({ manifest, given }, () => {
    const rows = Object.entries(fields).map(([name, value]) => [
      name,
      describeField(name, value),
      given.includes(name) ? '' : context.paint('dim', 'default'),
    ]);
    const lines = body.trim().split('\n').length;
    const prompt = ['body', `${count(lines, 'line')}, ${body.length} characters`, ''];
    return table([...rows, prompt], context.io.stdout.columns);
  });
}

async function format(context: Context, { write }: { write?: boolean }, file: string): Promise<void> {
  const { text } = await readManifest(context, file);
  const { formatManifest } = await import('../manifestFormat.js');
  const formatted = formatManifest(text);
  if (!write || file === '-') {
    context.io.stdout.write(formatted);
    return;
  }
  const changed = formatted !== text;
  if (changed) await writeFile(path.resolve(context.io.cwd, file), formatted);
  context.answer({ file, changed }, () => `${file} ${changed ? 'is formatted' : 'is as it should be'}`);
}

async function graph(
  context: Context,
  { format: shape }: { format: string },
  files: string[],
): Promise<void> {
  const { graphOf } = await import('../../shared/manifest/graph.js');
  const { set, problems } = await scanManifestSet(context.io, files);
  const found = graphOf(set.map(({ key, manifest }) => ({ key, deps: manifest?.deps ?? [] })));
  const { order, edges, cycle } = found;
  if (cycle)
    throw new AppError('invalid-manifest', `These wait for each other in a ring: ${cycle.join(' → ')}.`, {
      problems: [
        ...problems,
        {
          path: 'deps',
          message: `a cycle: ${cycle.join(' → ')}`,
          expected: 'one of these without the other',
        },
      ],
    });
  if (problems.length > 0)
    throw new AppError('invalid-manifest', 'some of the manifests are not valid', { problems });
  const titles = new Map(set.map(({ key, manifest }) => [key, manifest?.title]));
  const outside = [...new Set(edges.flatMap(({ from, outside: foreign }) => (foreign ? [from] : [])))];
  const all = [...outside, ...order];
  const name = (key: string): string => {
    const title = titles.get(key);
    return title === undefined ? key : `${key}: ${oneLine(title)}`;
  };
  if (shape === 'json' || context.json) {
    context.io.stdout.write(`${JSON.stringify(found)}\n`);
    return;
  }
  if (shape === 'mermaid') {
    context.io.stdout.write(`${mermaidGraph(all, edges, name)}\n`);
    return;
  }
  const { paint } = context;
  const label = (key: string): string =>
    outside.includes(key) ? paint('dim', `${key} (not in these files)`) : name(key);
  context.io.stdout.write(`${drawGraph(all, edges, label).join('\n')}\n`);
}

async function validate(context: Context, names: readonly string[]): Promise<boolean> {
  const { paint, io } = context;
  // The schema takes longer to load than most commands take in all.
  const { parseManifest } = await import('../../shared/manifest.js');
  const results: { file: string; ok: boolean; problems: Problem[]; warnings: string[] }[] = [];
  const files = (await Promise.all(names.map((name) => filesIn(io, name)))).flat();
  for (const file of files) {
    const read = parseManifest(await readInput(io, file));
    results.push(
      read.kind === 'ok'
        ? { file, ok: true, problems: [], warnings: needs(read.manifest) }
        : { file, ok: false, problems: read.problems, warnings: [] },
    );
  }
  context.answer({ files: results }, () =>
    results
      .flatMap(({ file, ok, problems, warnings }) => [
        `${ok ? paint('green', 'ok') : paint('red', count(problems.length, 'problem'))}  ${file}`,
        ...problems.map((problem) => describeProblem(problem, paint, file)),
        ...warnings.map((warning) => `  ${paint('yellow', 'note:')} ${warning}`),
      ])
      .join('\n'),
  );
  return results.every(({ ok }) => ok);
}

/** Every factory has a shell; any other engine has to be installed on one, and its job waits until it is. */
function needs(manifest: Manifest): string[] {
  const { engine, 'engine-class': engineClass } = manifest;
  if (engine === 'shell' || (engine === undefined && engineClass === 'script')) return [];
  if (engine === undefined && engineClass === undefined)
    return [
      'no engine: unless its product names one, a factory with a coding engine is needed (aq factories)',
    ];
  const tag = engine === undefined ? `engine-class:${engineClass}` : `engine:${engine}`;
  return [`a factory with ${tag} is needed; aq factories shows what there is`];
}
