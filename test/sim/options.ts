// The command line of the simulation's commands.
import { parseArgs, type ParseArgsConfig } from 'node:util';

/** As of every command here: the command line is not right. */
const EXIT_USAGE = 2;

/** Says what is wrong with the command line above how it is used, and ends. */
export function refuse(what: string, usage: string): never {
  process.stderr.write(`${what}\n\n${usage}`);
  process.exit(EXIT_USAGE);
}

/** The options that were given; ends with the usage where one is not known, or `--help` asks for it. */
export function optionsFrom<const T extends ParseArgsConfig>(
  config: T,
  usage: string,
): ReturnType<typeof parseArgs<T>>['values'] {
  if (process.argv.includes('--help')) {
    process.stdout.write(usage);
    process.exit(0);
  }
  try {
    return parseArgs(config).values;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // The rest of what Node says is about positional arguments, of which there are none.
    return refuse(`${error.message.split('. ')[0] ?? ''}.`, usage);
  }
}

/** @returns the whole number that an option names; ends with the usage where it is none from 1 */
export function whole(name: string, text: string, usage: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  return refuse(`--${name} is "${text}"; expected a whole number from 1`, usage);
}
