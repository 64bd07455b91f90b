// What a repository asks of factories, checked before it is pushed.
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { count } from '../../shared/contract/count.js';
import { CATALOGUE_OWNER } from '../../shared/contract/profile.js';
import { REPO_SETTINGS_FILE } from '../../shared/contract/repoSettings.js';
import { AppError } from '../../shared/errors.js';
import { action, type Context } from '../context.js';
import { inFile } from '../failures.js';
import type { Io } from '../io.js';
import { table } from '../text.js';

interface Flags {
  product?: string;
}

export function addRepo(program: Command, io: Io): void {
  program
    .command('repo')
    .description('settings that a repository gives to factories')
    .command('check')
    .description(
      `tell every problem of ${REPO_SETTINGS_FILE} with its line; its profile is looked up where there is a connection`,
    )
    .option('-p, --product <id>', 'whose profile (default: of the connection)')
    .argument('[folder]', "the repository's root", '.')
    .addHelpText('after', '\nExamples:\n  aq repo check\n  aq repo check ../calculator --json')
    .action(action<[string], Flags>(io, check));
}

async function check(context: Context, flags: Flags, folder: string): Promise<void> {
  const { parseRepoSettings } = await import('../../shared/manifest/repoSettings.js');
  const root = path.resolve(context.io.cwd, folder);
  const there = await stat(root).catch(() => undefined);
  if (!there?.isDirectory())
    throw new AppError(
      'invalid-request',
      `${folder} is ${there ? 'a file' : 'not there'}; expected a repository's root folder, such as: aq repo check ../calculator`,
    );
  const file = path.join(folder, REPO_SETTINGS_FILE);
  const text = await readFile(path.join(root, REPO_SETTINGS_FILE), 'utf8').catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new AppError('invalid-request', `${file} cannot be read (${code ?? 'unknown error'}).`);
  });
  const read = parseRepoSettings(text ?? '');
  if (read.kind === 'invalid') {
    const { problems } = read;
    const message = `${file} has ${count(problems.length, 'problem')}`;
    throw inFile(new AppError('invalid-request', message, { problems }), file);
  }
  const { settings } = read;
  if (settings.profile !== undefined) await checkProfile(context, flags, file, settings.profile);
  context.answer({ file, found: text !== undefined, settings }, () =>
    text === undefined
      ? `there is no ${file}: jobs may change everything, and nothing is set up`
      : table(
          Object.entries(settings).map(([name, value]) => [
            name,
            typeof value === 'string' ? value : JSON.stringify(value),
          ]),
          context.io.stdout.columns,
        ),
  );
}

/** @throws AppError when the API answers that there is no such profile; an API that is away is no reason to refuse */
async function checkProfile(context: Context, flags: Flags, file: string, name: string): Promise<void> {
  let names: readonly string[];
  try {
    const client = await context.client();
    const owner = flags.product ?? (await context.connection()).product ?? CATALOGUE_OWNER;
    names = (await client.listProfiles({ params: { owner } })).profiles.map((profile) => profile.name);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    context.warn(`${file}: whether there is a profile ${name} was not looked up: ${error.message}`, {
      profile: name,
    });
    return;
  }
  if (!names.includes(name))
    throw new AppError(
      'invalid-request',
      `${file}: there is no profile ${name}; expected one of ${names.join(', ')}`,
    );
}
