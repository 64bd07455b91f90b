// The host as a process of its own:
//   node dist/local/host/main.js --app DIR [--port 0] [--settings FILE] [--master-key KEY] [--watch]
// FILE is a local.settings.json: {"Values": {…}, "Host": {"CORS": "…", "CORSCredentials": false, "LocalHttpPort": 7071,
// "MasterKey": "…"}}.
// Prints {"ready":true,"port":…,"url":…} on stdout (and sends it to a parent that forked it); the log goes to
// stderr. Ends on SIGTERM, SIGINT or when the parent goes away, with its worker.
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { messageOf } from '../errorText.js';
import { startHost } from './host.js';
import type { Host } from './host.js';
import type { LogEntry } from './log.js';

interface SettingsFile {
  Values?: Record<string, string>;
  Host?: { CORS?: string; CORSCredentials?: boolean; LocalHttpPort?: number; MasterKey?: string };
}

interface Arguments {
  app: string;
  port?: string;
  host: string;
  settings?: string;
  masterKey?: string;
  watch?: boolean;
}

const command = new Command('host')
  .requiredOption('--app <dir>', 'folder of the function app')
  .option('--port <number>', 'port to listen on, 0 for a free one')
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--settings <file>', 'a local.settings.json')
  .option('--master-key <key>', 'opens the admin endpoints')
  .option('--watch', 'load the app again when its built output changes')
  .parse();

function print({ at, level, category, message }: LogEntry): void {
  process.stderr.write(`${at.toISOString()} ${level} ${category}: ${message}\n`);
}

let host: Host | undefined;
let ending = false;

/** A start that is still under way is simply left: its worker ends when this process does. */
async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  await host?.close();
  process.exit(0);
}

async function main(): Promise<void> {
  const options = command.opts<Arguments>();
  const file = options.settings
    ? (JSON.parse(readFileSync(options.settings, 'utf8')) as SettingsFile)
    : ({} satisfies SettingsFile as SettingsFile);
  const { CORS, CORSCredentials = false, LocalHttpPort, MasterKey } = file.Host ?? {};
  const masterKey = options.masterKey ?? MasterKey;
  host = await startHost({
    appDir: options.app,
    port: Number(options.port ?? LocalHttpPort ?? 0),
    host: options.host,
    settings: file.Values ?? {},
    log: print,
    ...(CORS
      ? { cors: { origins: CORS.split(',').map((each) => each.trim()), credentials: CORSCredentials } }
      : {}),
    ...(masterKey ? { masterKey } : {}),
    ...(options.watch ? { watch: true } : {}),
  });
  const { port, url } = host;
  const ready = { ready: true, port, url };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
  process.send?.(ready);
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end());
process.on('disconnect', () => void end());
main().catch((error: unknown) => {
  if (ending) return;
  process.stderr.write(`${messageOf(error)}\n`);
  process.exit(1);
});
