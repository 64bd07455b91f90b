// `aq` as a function: arguments in, exit code out. Everything it touches comes in with `io`.
import { Command, CommanderError } from 'commander';
import { addAudit } from './commands/audit.js';
import { addArtifacts } from './commands/artifacts.js';
import { addBudget } from './commands/budget.js';
import { addChanges } from './commands/change.js';
import { addChildrenCommands } from './commands/children.js';
import { addCompletion } from './commands/completion.js';
import { addDag } from './commands/dag.js';
import { addExplain } from './commands/explain.js';
import { addFactory } from './commands/factory.js';
import { addFleet } from './commands/fleet.js';
import { addHalt } from './commands/halt.js';
import { addList } from './commands/list.js';
import { addLogs } from './commands/logs.js';
import { addManifest } from './commands/manifest.js';
import { addParked } from './commands/parked.js';
import { addProfile } from './commands/profile.js';
import { addProduct } from './commands/product.js';
import { addRepo } from './commands/repo.js';
import { addShip } from './commands/ship.js';
import { addShow } from './commands/show.js';
import { addSubmit } from './commands/submit.js';
import { EXIT, EXIT_CODES_HELP, type ExitCode } from './exitCodes.js';
import { describeFailure, failureExitCode, failureJson } from './failures.js';
import { addExamples } from './examples.js';
import type { Io } from './io.js';
import { painter } from './text.js';
import { catchWrongUsage, tellWrongUsage, WrongUsage } from './wrongUsage.js';

/**
 * Runs one command line.
 * @param args without the program's name
 */
export async function runCli(args: readonly string[], io: Io): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const program = createProgram(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    // Help that was asked for, or that a group of commands gives when it is called alone.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (error instanceof WrongUsage) {
      tellWrongUsage(error, io, args.includes('--json'));
      return EXIT.usage;
    }
    const told = args.includes('--json')
      ? JSON.stringify(failureJson(error))
      : describeFailure(error, painter(io.stderr, io.env));
    io.stderr.write(`${told}\n`);
    return failureExitCode(error);
  }
}

/** @param exit sets the exit code of a command that did its work */
function createProgram(io: Io, exit: (code: ExitCode) => void): Command {
  const program = new Command('aq')
    .description('Work with the gigafactory: submit jobs, watch them, ship them.')
    .option('--json', 'JSON on standard output, and nothing else there')
    .option('--connection <file>', 'connection file (default: .gigafactory/connection.json here or above)')
    .helpCommand('help [command]', 'what a command does, with examples')
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      // Told in one style with all other errors (wrongUsage.ts).
      outputError: () => {},
      getOutHelpWidth: () => io.stdout.columns,
      getErrHelpWidth: () => io.stderr.columns,
    })
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      `
A job is named by its id or the beginning of it: aq show 3f9a.

Connection: GIGAFACTORY_API and GIGAFACTORY_TOKEN; or the file that \`npm start\` writes, found from the
working directory upward, or named by --connection or GIGAFACTORY_CONNECTION.
Colours follow the terminal and NO_COLOR.

${EXIT_CODES_HELP}`,
    );
  addSubmit(program, io);
  addList(program, io);
  addShow(program, io);
  addLogs(program, io);
  addArtifacts(program, io);
  addShip(program, io);
  addChanges(program, io);
  addExplain(program, io);
  addDag(program, io);
  addChildrenCommands(program, io);
  addFactory(program, io);
  addFleet(program, io, exit);
  addProduct(program, io);
  addProfile(program, io);
  addBudget(program, io);
  addHalt(program, io);
  addParked(program, io);
  addAudit(program, io, exit);
  addManifest(program, io, exit);
  addRepo(program, io);
  addCompletion(program, io);
  addExamples(program);
  catchWrongUsage(program);
  return program;
}
