/** The factory's command line: one process, one line on standard output when it waits, an orderly end on a signal. */
import { Argument, Command, InvalidArgumentError } from 'commander';
import { proxyFetch } from '../shared/client/proxyFetch.js';
import { Agent } from './agent.js';
import { readConfig } from './capabilities/config.js';
import { probe } from './capabilities/probe.js';
import { probeAsJson, probeAsText } from './capabilities/report.js';
import { ENGINES } from './engines/registry.js';
import { createLogger, reasonOf, type Logger } from './log.js';
import { pause } from './pause.js';
import { Redactor } from './runs/redact.js';
import {
  API,
  AUDIENCE,
  dataDirOf,
  DISK,
  ENROLMENT,
  FLEET,
  readSettings,
  ROUTE,
  SHADOW,
  type FactoryOptions,
} from './settings.js';
import { isBusFault } from './transports/busFault.js';

/** Everything is kept and given back within this time (ms), or left to the leases and to the next start. */
const DRAIN_MS = 8000;
/** As a shell reports a process that a signal ended. */
const INTERRUPTED = 130;

const positive = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('expected a number above 0');
  return value;
};

const EXAMPLES = `
Settings (environment):
  ${API}         the control plane, up to /api
  ${ENROLMENT}   a one-time token; needed at the first start only
  ${AUDIENCE}    instead of it on Azure: whom tokens of this machine's identity are for (api://…)
  ${FLEET}=off            no fleet: work comes from --folder alone
  ${ROUTE}          bus (default), poll (claims over HTTP) or folder
  ${DISK}=50  what the data folder may take, in GB (or diskGigabytes in factory.yaml)
  ${SHADOW}=on      with --folder: compare each choice with the control plane's, change nothing there
  SERVICE_BUS             connection string, or SERVICE_BUS__fullyQualifiedNamespace with a managed identity

Examples:
  A laptop that works on two jobs at a time:
    node dist/factory/main.js --stations 2
  A container that ends when there was no work for a minute:
    node dist/factory/main.js --idle-exit 60 --data /data --json
  A folder without any network:
    node dist/factory/main.js --folder ~/jobs
  One job, then the end:
    node dist/factory/main.js --once
  What this machine would offer, and why:
    node dist/factory/main.js probe
`;

const program = new Command('factory')
  .description(
    'Works on jobs of the gigafactory: claims them, runs their engine in a git worktree, pushes the change.',
  )
  .addArgument(
    new Argument('[what]', 'work on jobs, or tell what this machine would offer')
      .choices(['work', 'probe'])
      .default('work'),
  )
  .option('--name <name>', "the factory's name; by default the host's")
  .option('--stations <n>', 'runs at the same time', positive, 1)
  .option('--once', 'end after one run')
  .option('--idle-exit <seconds>', 'end after so long without work', positive)
  .option('--data <dir>', 'where repositories, worktrees and the token are kept')
  .option(
    '--folder <dir>',
    `work on the jobs of a folder (inbox/, building/, …) instead of the fleet; with ${ROUTE}=bus or poll only while the control plane is away`,
  )
  .option('--product <id>', "the product of a folder's jobs; by default local")
  .option('--config <file>', 'what probing cannot know; by default factory.yaml in the data folder')
  .option('--json', 'log lines, or what probing found, as JSON')
  .addHelpText('after', EXAMPLES)
  .showHelpAfterError('(--help shows what there is)');

interface CommandLine extends FactoryOptions {
  readonly json?: boolean;
}

async function main(): Promise<number> {
  // Node's own looks at no proxy; one for the whole process, so that no call is forgotten.
  globalThis.fetch = proxyFetch(process.env);
  const options = program.parse().opts<CommandLine>();
  const redactor = new Redactor();
  const logger = createLogger((line) => void process.stderr.write(line), {
    json: options.json ?? false,
    clean: (line) => redactor.text(line),
  });
  const fail = (error: unknown): number => {
    logger.error(reasonOf(error));
    return 1;
  };

  let agent: Agent;
  try {
    if (program.args[0] === 'probe') return await tellProbe(options);
    agent = new Agent(readSettings(options, process.env), { env: process.env, logger, redactor });
  } catch (error) {
    return fail(error);
  }
  surviveBusFaults(agent, logger);
  endInOrder(agent);
  try {
    announce({ ready: true, ...(await agent.start()) });
  } catch (error) {
    await Promise.race([agent.whenDone(), pause(DRAIN_MS)]);
    return fail(error);
  }
  await agent.whenDone();
  return agent.isRevoked ? 1 : 0;
}

/** Looks at this machine and starts nothing; needs neither a control plane nor a bus. */
async function tellProbe(options: CommandLine): Promise<number> {
  const found = await probe(ENGINES, process.env, readConfig(dataDirOf(options), options.config));
  process.stdout.write(options.json === true ? `${probeAsJson(found)}\n` : probeAsText(found));
  return 0;
}

/** What the bus client throws outside of any promise costs a new connection; anything else ends the factory. */
function surviveBusFaults(agent: Agent, logger: Logger): void {
  process.on('uncaughtException', (error: unknown) => {
    if (isBusFault(error)) return agent.reopenBus(error);
    const stack = error instanceof Error ? error.stack : undefined;
    logger.error('the factory ends: nobody caught this', { why: reasonOf(error), stack });
    process.exit(1);
  });
}

/** The first signal drains, a second one ends at once; a parent that forked us and is gone drains too. */
function endInOrder(agent: Agent): void {
  let asked = false;
  const end = (why: string): void => {
    if (asked) process.exit(INTERRUPTED);
    asked = true;
    agent.drain(why);
    setTimeout(() => process.exit(1), DRAIN_MS).unref();
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => end(signal));
  if (process.send) process.on('disconnect', () => end('the parent process is gone'));
}

function announce(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
  process.send?.(line);
}

process.exit(await main());
