import { readFileSync } from 'node:fs';
import path from 'node:path';
import { startCloud, type CloudPorts } from '../cloud.js';
import { lockDataDir } from '../dataDir.js';
import { parseEmulatorConfig } from '../servicebus/emulatorConfig.js';
import { aborted, paint, say, stopSignal, stopwatch } from '../terminal.js';

export interface CloudCommand {
  readonly dataDir: string;
  readonly configFile?: string;
  readonly skipUnsupported: boolean;
  readonly json: boolean;
  readonly ports: CloudPorts;
}

const readConfig = (file: string): unknown => {
  const text = readFileSync(file, 'utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
};

/**
 * The emulators alone, until asked to stop.
 * @throws a sentence with the cure: a bad config file, a taken port, a folder in use
 */
export async function runCloud(command: CloudCommand): Promise<void> {
  const signal = stopSignal();
  const parsed = command.configFile
    ? parseEmulatorConfig(readConfig(command.configFile), { skipUnsupported: command.skipUnsupported })
    : { queues: [], warnings: [] };
  for (const warning of parsed.warnings) say(paint('yellow', warning));
  const unlock = lockDataDir(command.dataDir);
  const step = stopwatch();
  try {
    const cloud = await startCloud({
      dataDir: path.join(command.dataDir, 'cloud'),
      ports: command.ports,
      queues: parsed.queues,
      log: (line) => say(line),
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
    await unlock();
  }
}
