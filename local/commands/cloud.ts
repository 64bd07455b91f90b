import { readFileSync } from 'node:fs';
import path from 'node:path';
import { startCloud, type CloudPorts } from '../cloud.js';
import { claimDataDir } from '../dataDir.js';
import { messageOf } from '../errorText.js';
import { parseEmulatorConfig } from '../servicebus/emulatorConfig.js';
import { aborted, paint, say, stopSignal, stopwatch } from '../terminal.js';
import { UsageError } from '../usageError.js';

export interface CloudCommand {
  readonly dataDir: string;
  readonly configFile?: string;
  readonly skipUnsupported: boolean;
  readonly json: boolean;
  readonly ports: CloudPorts;
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not read it',
};

/** @throws UsageError naming the file, what is wrong with it, and the cure */
function queuesIn({ configFile, skipUnsupported }: CloudCommand): ReturnType<typeof parseEmulatorConfig> {
  if (configFile === undefined) return { queues: [], warnings: [] };
  const wrong = (why: string, cause: unknown): UsageError =>
    new UsageError(
      `--servicebus-config ${configFile}: ${why}. Expected the official emulator's Config.json (UserConfig, ` +
        'Namespaces, Queues).',
      { cause },
    );
  let text: string;
  try {
    text = readFileSync(configFile, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw wrong(WHY[code] ?? messageOf(error), error);
  }
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (error) {
    throw wrong(`it is not JSON (${messageOf(error)})`, error);
  }
  try {
    return parseEmulatorConfig(config, { skipUnsupported });
  } catch (error) {
    throw new UsageError(`--servicebus-config ${configFile}: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * The emulators alone, until asked to stop.
 * @throws a sentence with the cure: a bad config file, a taken port, a folder in use
 */
export async function runCloud(command: CloudCommand): Promise<void> {
  const signal = stopSignal();
  const parsed = queuesIn(command);
  for (const warning of parsed.warnings) say(paint('yellow', warning));
  const release = claimDataDir(command.dataDir);
  const step = stopwatch();
  try {
    const cloud = await startCloud({
      dataDir: path.join(command.dataDir, 'cloud'),
      ports: command.ports,
      queues: parsed.queues,
      log: (line) => say(line),
      onCrash: (message) => say(paint('yellow', `  ! ${message}`)),
    });
    if (command.json) {
      process.stdout.write(
        `${JSON.stringify({ serviceBus: cloud.serviceBus, cosmos: cloud.cosmos, blob: cloud.blob })}\n`,
      );
    } else {
      step('Service Bus, Cosmos DB and Blob Storage are ready; Ctrl-C stops them');
      say(
        `\n  Service Bus  ${cloud.serviceBus}\n  Cosmos DB    ${cloud.cosmos}\n  Blob         ${cloud.blob}\n`,
      );
    }
    await aborted(signal);
    await cloud.stop();
  } finally {
    await release();
  }
}
