// Examples stand in the help of each command. Groups, the program and wrong command lines show them from there.
import type { EventEmitter } from 'node:events';
import type { Command } from 'commander';

const HEADING = 'Examples:';

/** The examples in a command's own help, in their order. */
export function examplesOf(command: Command): string[] {
  let text = '';
  // Help texts are listeners; commander's types do not say that it emits.
  (command as unknown as EventEmitter).emit('afterHelp', {
    error: false,
    command,
    write: (part: string) => (text += part),
  });
  const [, below = ''] = text.split(`${HEADING}\n`);
  const [own = ''] = below.split('\n\n');
  return own
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
}

/** Gives every group of commands, and the program above them, the first example of each command in it. */
export function addExamples(command: Command): void {
  if (command.commands.length === 0) return;
  command.commands.forEach(addExamples);
  if (examplesOf(command).length > 0) return;
  command.addHelpText('after', () => {
    const firsts = command.commands.flatMap((one) => examplesOf(one).slice(0, 1));
    return `\n${HEADING}\n${firsts.map((line) => `  ${line}`).join('\n')}`;
  });
}
