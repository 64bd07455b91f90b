// Profiles: who works on a job, and within what limits.
import type { ProfileView } from '../../shared/contract/view.js';
import type { Command } from 'commander';
import { AppError } from '../../shared/errors.js';
import { action, type Context } from '../context.js';
import { inFile } from '../failures.js';
import { readInput } from '../input.js';
import type { Io } from '../io.js';
import { clean, clockTime, oneLine, table } from '../text.js';

interface Flags {
  product?: string;
  catalogue?: boolean;
}
interface ShowFlags extends Flags {
  version?: string;
  file?: boolean;
}

export function addProfile(program: Command, io: Io): void {
  const profile = program.command('profile').description('who works on a job, and within what limits');
  const command = (name: string, description: string): Command =>
    profile
      .command(name)
      .description(description)
      .option('-p, --product <id>', 'whose (default: of the connection)')
      .option('--catalogue', 'those of the catalogue, which all products use');
  command('list', 'the profiles that a product may use')
    .addHelpText('after', '\nExamples:\n  aq profile list\n  aq profile list --json | jq .profiles[].name')
    .action(action<[], Flags>(io, list));
  command('show', 'one profile; its persona goes before the job')
    .argument('<name>', 'such as backend-engineer')
    .option('--version <number>', 'an older one')
    .option('-f, --file', 'as the file that `put` reads')
    .addHelpText('after', '\nExamples:\n  aq profile show planner\n  aq profile show qa --file > qa.md')
    .action(action<[string], ShowFlags>(io, show));
  command('put', 'a new version of a profile; takes the role editor')
    .argument('<name>', 'such as backend-engineer')
    .argument('<file>', 'front matter above the persona; - is standard input')
    .option('-m, --note <text>', 'why, for the record')
    .addHelpText('after', "\nExamples:\n  aq profile put qa qa.md -m 'playwright is there now'")
    .action(action<[string, string], Flags & { note?: string }>(io, put));
  command('history', 'every version: who changed it, when and why')
    .argument('<name>', 'such as backend-engineer')
    .addHelpText('after', '\nExamples:\n  aq profile history qa')
    .action(action<[string], Flags>(io, history));
}

const ownerOf = async (context: Context, flags: Flags): Promise<string> =>
  flags.catalogue === true ? 'fleet' : context.product(flags.product);

async function versions(context: Context, flags: Flags, name: string): Promise<ProfileView[]> {
  const client = await context.client();
  const owner = await ownerOf(context, flags);
  return (await client.getProfileHistory({ params: { owner, name } })).profiles;
}

async function list(context: Context, flags: Flags): Promise<void> {
  const client = await context.client();
  const answer = await client.listProfiles({ params: { owner: await ownerOf(context, flags) } });
  const { paint, io } = context;
  context.answer(answer, () => {
    const rows = answer.profiles.map(({ name, version, productId, spec }) => [
      name,
      String(version),
      productId === 'fleet' ? paint('dim', 'catalogue') : productId,
      oneLine(spec.summary),
    ]);
    return table(
      [['PROFILE', 'VERSION', 'OF', 'FOR'].map((head) => paint('dim', head)), ...rows],
      io.stdout.columns,
    );
  });
}

async function show(context: Context, flags: ShowFlags, name: string): Promise<void> {
  const all = await versions(context, flags, name);
  const found =
    flags.version === undefined ? all[0] : all.find(({ version }) => String(version) === flags.version);
  if (!found)
    throw new AppError(
      'not-found',
      `${name} has no version ${flags.version ?? ''}; \`aq profile history ${name}\``,
    );
  if (flags.file === true && !context.json) {
    const { profileText } = await import('../../shared/contract/profileText.js');
    context.io.stdout.write(profileText(found.spec));
    return;
  }
  context.answer(found, () => describe(context, found));
}

function describe({ paint, io }: Context, { name, version, productId, at, by, spec }: ProfileView): string {
  const { persona, title, summary, ...fields } = spec;
  const rows = Object.entries(fields)
    .filter(([, value]) => !Array.isArray(value) || value.length > 0)
    .map(([field, value]) => [
      paint('dim', field),
      typeof value === 'string'
        ? oneLine(value)
        : Array.isArray(value)
          ? value.join(', ')
          : JSON.stringify(value),
    ]);
  return [
    `${paint('bold', oneLine(title))}\n${oneLine(summary)}`,
    table(
      [
        [
          paint('dim', 'profile'),
          `${name}, version ${version}, of ${productId === 'fleet' ? 'the catalogue' : productId}`,
        ],
        [paint('dim', 'edited'), `${at.slice(0, 10)} ${clockTime(at)} by ${oneLine(by.id)}`],
        ...rows,
      ],
      io.stdout.columns,
    ),
    clean(persona.trim()),
  ].join('\n\n');
}

async function put(
  context: Context,
  flags: Flags & { note?: string },
  name: string,
  file: string,
): Promise<void> {
  const text = await readInput(context.io, file);
  const client = await context.client();
  const owner = await ownerOf(context, flags);
  const known = (await client.listProfiles({ params: { owner } })).profiles;
  const basedOn = known.find((one) => one.name === name && one.productId === owner)?.version ?? 0;
  const profile = await client
    .putProfile({
      params: { owner, name },
      body: { profile: text, basedOn, ...(flags.note !== undefined && { note: flags.note }) },
    })
    .catch((error: unknown) => {
      throw inFile(error, file);
    });
  const hidden = known.some((one) => one.name === name && one.productId !== owner);
  const hides = hidden ? `; for ${owner} it hides the catalogue's` : '';
  context.answer(profile, () =>
    profile.version === basedOn
      ? `${name} is at version ${basedOn}, and says that already`
      : `${name} is at version ${profile.version} now${hides}; jobs in flight keep theirs`,
  );
}

async function history(context: Context, flags: Flags, name: string): Promise<void> {
  const profiles = await versions(context, flags, name);
  const { paint, io } = context;
  context.answer({ profiles }, () => {
    const rows = profiles.map(({ version, at, by, note }) => [
      String(version),
      `${at.slice(0, 10)} ${clockTime(at)}`,
      oneLine(by.id),
      oneLine(note ?? ''),
    ]);
    return table(
      [['VERSION', 'AT', 'BY', 'WHY'].map((head) => paint('dim', head)), ...rows],
      io.stdout.columns,
    );
  });
}
