// The commands that run the product on this machine: `start`, `demo` and `cloud` (see --help of each).
import path from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { runChaos } from './commands/chaos.js';
import { runCloud } from './commands/cloud.js';
import { runDemo } from './commands/demo.js';
import { FAULT_SERVICES, runFault } from './commands/fault.js';
import { runStart } from './commands/start.js';
import { runTwoFactories } from './commands/twoFactories.js';
import { messageOf } from './errorText.js';
import { DEFAULT_PORTS } from './system.js';
import { EXIT_USAGE, UsageError } from './usageError.js';

const DEFAULT_DATA_DIR = '.gigafactory';
/** A lost factory's job is free again after it; short, so that a person at the screen sees it happen. */
const DEFAULT_LEASE_SECONDS = 15;

const port = (value: string): number => {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 0 || number > 65_535) {
    throw new InvalidArgumentError('expected a port: 0 (a free one) to 65535');
  }
  return number;
};

/** Each is a process of about 100 MB. */
const MAX_FACTORIES = 50;

const atLeast =
  (least: number, most = Number.MAX_SAFE_INTEGER) =>
  (value: string): number => {
    const number = Number(value);
    if (!Number.isInteger(number) || number < least || number > most) {
      const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
      throw new InvalidArgumentError(`expected a whole number ${range}`);
    }
    return number;
  };

const dataOption = (): Option =>
  new Option('--data <dir>', 'folder that holds everything').default(DEFAULT_DATA_DIR);

const program = new Command('gigafactory')
  .description(
    'The gigafactory on this machine: embedded cloud, control plane, factory, tracker stand-in, console.',
  )
  .showHelpAfterError('(see --help)')
  .exitOverride();

program
  .command('start')
  .description('run everything and, on first start, send a sample item through')
  .addOption(dataOption())
  .option('--reset', 'throw away what the data folder holds first')
  .option('--factories <n>', 'factory processes to start', atLeast(0, MAX_FACTORIES), 1)
  .option('--lease-seconds <n>', 'lease length for the fleet', atLeast(2), DEFAULT_LEASE_SECONDS)
  .option('--preemption', 'critical work may take stations from less urgent work')
  .option('--no-sample', 'do not file the sample item')
  .option('--watch', 'restart the function app when its built files change')
  .option('--api-port <port>', 'HTTP API (0: a free one)', port, DEFAULT_PORTS.api)
  .option('--console-port <port>', 'console', port, DEFAULT_PORTS.console)
  .option('--tracker-port <port>', 'tracker stand-in', port, DEFAULT_PORTS.tracker)
  .option('--identity-port <port>', 'token issuer', port, DEFAULT_PORTS.identity)
  .option('--service-bus-port <port>', 'Service Bus', port, DEFAULT_PORTS.serviceBus)
  .option('--cosmos-port <port>', 'Cosmos DB', port, DEFAULT_PORTS.cosmos)
  .option('--blob-port <port>', 'Blob Storage', port, DEFAULT_PORTS.blob)
  .addHelpText(
    'after',
    `
Examples:
  npm start                                  everything, with data in ${DEFAULT_DATA_DIR}/
  npm start -- --factories 3                 three factories
  npm start -- --reset                       from an empty data folder
  npm start -- --data /tmp/gf --api-port 0   another folder, a free port`,
  )
  .action(async (options: StartFlags) => {
    await runStart({
      dataDir: path.resolve(options.data),
      reset: options.reset ?? false,
      factories: options.factories,
      leaseSeconds: options.leaseSeconds,
      preemption: options.preemption ?? false,
      sample: options.sample,
      watch: options.watch ?? false,
      ports: {
        api: options.apiPort,
        console: options.consolePort,
        tracker: options.trackerPort,
        identity: options.identityPort,
        serviceBus: options.serviceBusPort,
        cosmos: options.cosmosPort,
        blob: options.blobPort,
      },
    });
  });

program
  .command('demo')
  .description('start, send the sample item through, ship it, print its timeline, stop')
  .option('--json', 'one JSON document on stdout and nothing else there')
  .option('--keep', 'keep the data folder and say where it is')
  .addHelpText('after', '\nExamples:\n  npm run demo\n  npm run -s demo -- --json')
  .action(async (options: { json?: boolean; keep?: boolean }) => {
    await runDemo({ json: options.json ?? false, keep: options.keep ?? false });
  });

program
  .command('two-factories')
  .description(
    'prove that two factories share jobs and that one takes over from a killed one; print the evidence',
  )
  .option('--json', 'one JSON document on stdout and nothing else there')
  .option('--keep', 'keep the data folder and say where it is')
  .addHelpText(
    'after',
    '\nExamples:\n  npm run demo:two-factories\n  npm run -s demo:two-factories -- --json',
  )
  .action(async (options: { json?: boolean; keep?: boolean }) => {
    await runTwoFactories({ json: options.json ?? false, keep: options.keep ?? false });
  });

program
  .command('chaos')
  .description(
    'the product under load while its parts are killed, paused, cut off and throttled; what became of the work',
  )
  .option('--seconds <n>', 'how long it is disturbed', atLeast(1), 60)
  .option('--seed <n>', 'what the plan is drawn from', atLeast(0), 1)
  .option('--lease-seconds <n>', 'lease length for the fleet', atLeast(2), 5)
  .option('--history <file>', 'write what was seen there, one JSON line an operation')
  .option('--json', 'one JSON document on stdout and nothing else there')
  .option('--keep', 'keep the data folder with a log, and say where it is')
  .addHelpText(
    'after',
    '\nExamples:\n  npm run chaos -- --seconds 300 --seed 7\n  npm run -s chaos -- --seconds 60 --json',
  )
  .action(async (options: ChaosFlags) => {
    const { seconds, seed, leaseSeconds, history, json = false, keep = false } = options;
    await runChaos({
      seconds,
      seed,
      leaseSeconds,
      json,
      keep,
      ...(history === undefined ? {} : { history }),
    });
  });

program
  .command('cloud')
  .description('the emulators alone, for any app')
  .addOption(dataOption())
  .option('--servicebus-config <file>', "queues, in the official Service Bus emulator's Config.json format")
  .option('--skip-unsupported', 'skip what the embedded cloud does not have (topics) with a warning')
  .option('--json', 'one line {serviceBus, cosmos, blob} with connection strings when ready')
  .option('--service-bus-port <port>', 'Service Bus', port, DEFAULT_PORTS.serviceBus)
  .option('--cosmos-port <port>', 'Cosmos DB', port, DEFAULT_PORTS.cosmos)
  .option('--blob-port <port>', 'Blob Storage', port, DEFAULT_PORTS.blob)
  .addHelpText(
    'after',
    '\nExamples:\n  npm run cloud\n  npm run -s cloud -- --servicebus-config Config.json --json',
  )
  .action(async (options: CloudFlags) => {
    await runCloud({
      dataDir: path.resolve(options.data),
      ...(options.servicebusConfig === undefined ? {} : { configFile: options.servicebusConfig }),
      skipUnsupported: options.skipUnsupported ?? false,
      json: options.json ?? false,
      ports: { serviceBus: options.serviceBusPort, cosmos: options.cosmosPort, blob: options.blobPort },
    });
  });

interface ChaosFlags {
  seconds: number;
  seed: number;
  leaseSeconds: number;
  history?: string;
  json?: boolean;
  keep?: boolean;
}

program
  .command('fault')
  .description(
    'break a running embedded cloud on purpose (docs/embedded-cloud.md says which faults there are)',
  )
  .argument('<service>', `one of ${FAULT_SERVICES.join(', ')}`)
  .argument('<fault>', 'the fault as JSON')
  .addOption(dataOption())
  .addHelpText(
    'after',
    `
Examples:
  npm run -s fault -- servicebus '{"kind":"duplicate","times":1}'
  npm run -s fault -- cosmos '{"kind":"refuse","status":429,"times":20}'
  npm run -s fault -- host '{"kind":"killWorker"}'`,
  )
  .action(async (service: string, fault: string, options: { data: string }) => {
    await runFault({ dataDir: path.resolve(options.data), service, fault });
  });

interface StartFlags {
  data: string;
  reset?: boolean;
  factories: number;
  leaseSeconds: number;
  preemption?: boolean;
  sample: boolean;
  watch?: boolean;
  apiPort: number;
  consolePort: number;
  trackerPort: number;
  identityPort: number;
  serviceBusPort: number;
  cosmosPort: number;
  blobPort: number;
}

interface CloudFlags {
  data: string;
  servicebusConfig?: string;
  skipUnsupported?: boolean;
  json?: boolean;
  serviceBusPort: number;
  cosmosPort: number;
  blobPort: number;
}

try {
  await program.parseAsync();
} catch (error) {
  // Help that was asked for, or a wrong command line: commander has told it already.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  else {
    process.stderr.write(`\n${messageOf(error)}\n`);
    process.exitCode = error instanceof UsageError ? EXIT_USAGE : 1;
  }
}
