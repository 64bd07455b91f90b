// A command line that commander refuses, told like every other error: what, what was expected, an example.
import type { Argument, Command, CommanderError } from 'commander';
import { examplesOf } from './examples.js';
import { painter } from './text.js';
import type { Io } from './io.js';

export class WrongUsage extends Error {
  readonly command: Command;

  constructor(command: Command, cause: CommanderError) {
    super(messageOf(command, cause), { cause });
    this.command = command;
  }
}

/** Lets every command say which one it was that was called wrongly. */
export function catchWrongUsage(command: Command): void {
  command.exitOverride((error) => {
    // Help, asked for or not, was told already.
    const isHelp = error.exitCode === 0 || error.code === 'commander.help';
    throw isHelp ? error : new WrongUsage(command, error);
  });
  command.commands.forEach(catchWrongUsage);
}

export function tellWrongUsage({ message, command }: WrongUsage, io: Io, json: boolean): void {
  const usage = `${pathOf(command)} ${command.usage()}`;
  const [example] = examplesOf(command);
  if (json) {
    const error = { code: 'invalid-request', message, expected: usage, ...(example && { example }) };
    io.stderr.write(`${JSON.stringify({ error })}\n`);
    return;
  }
  const paint = painter(io.stderr, io.env);
  const lines = [
    `${paint('red', 'Error:')} ${message}`,
    `  expected  ${usage}`,
    ...(example === undefined ? [] : [`  example   ${example}`]),
    paint('dim', `\`${pathOf(command)} --help\` tells more.`),
  ];
  io.stderr.write(`${lines.join('\n')}\n`);
}

function messageOf(command: Command, { code, message }: CommanderError): string {
  if (code === 'commander.missingArgument') {
    const name = /'([^']+)'/.exec(message)?.[1];
    const argument = command.registeredArguments.find((one) => one.name() === name);
    if (argument) return `${pathOf(command)} needs ${shown(argument)}.`;
  }
  const text = message.replace(/^error: /, '').replaceAll('\n', ' ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!)]$/.test(text) ? '' : '.'}`;
}

const shown = (argument: Argument): string =>
  `<${argument.name()}>${argument.description === '' ? '' : `: ${argument.description}`}`;

const pathOf = (command: Command): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
