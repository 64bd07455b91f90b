// A factory on this machine.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { AppError } from '../../shared/errors.js';
import { action, type Context } from '../context.js';
import type { Io } from '../io.js';

/** The factory's own program, beside this one as it is built, or in the built files of the checkout. */
const PROGRAMS = ['../../factory/main.js', '../../dist/factory/main.js'];

interface ProbeFlags {
  data?: string;
  config?: string;
}

export function addFactory(program: Command, io: Io): void {
  program
    .command('factory')
    .description('a factory on this machine')
    .command('probe')
    .description('what it would offer, and why not the rest; needs no connection')
    .option('--data <dir>', "the factory's data folder, whose factory.yaml counts")
    .option('--config <file>', 'another configuration file')
    .addHelpText('after', '\nExamples:\n  aq factory probe\n  aq factory probe --config factory.yaml --json')
    .action(action<[], ProbeFlags>(io, probe));
}

async function probe(context: Context, flags: ProbeFlags): Promise<void> {
  const file = PROGRAMS.map((one) => fileURLToPath(new URL(one, import.meta.url))).find(existsSync);
  if (file === undefined) {
    throw new AppError('invalid-request', 'the factory is not built here: run `npm run build` first');
  }
  const args = [
    file,
    'probe',
    ...(context.json ? ['--json'] : []),
    ...(flags.data === undefined ? [] : ['--data', flags.data]),
    ...(flags.config === undefined ? [] : ['--config', flags.config]),
  ];
  const { io } = context;
  const told = await promisify(execFile)(process.execPath, args, { cwd: io.cwd, env: io.env }).catch(
    (error: unknown) => {
      const { stderr = '' } = error as { stderr?: string };
      throw new AppError('invalid-request', stderr.trim() || `the factory's probe failed: ${String(error)}`);
    },
  );
  context.say(told.stdout.trimEnd());
}
