// The broker as a process of its own: node main.js --port 0 --data DIR --config FILE. It says that it is ready in
// one JSON line (and to the parent that forked it), and ends with SIGTERM, SIGINT or its parent.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf } from '../errorText.js';
import { startServiceBus } from './server.js';
import type { QueueSpec } from './spec.js';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    host: { type: 'string', default: '127.0.0.1' },
    data: { type: 'string' },
    config: { type: 'string' },
  },
});

try {
  const bus = await startServiceBus({
    port: Number(values.port),
    host: values.host,
    queues: values.config === undefined ? [] : queuesIn(values.config),
    ...(values.data === undefined ? {} : { dataDir: values.data }),
    log: (line) => process.stderr.write(`service bus: ${line}\n`),
  });
  const stop = (): void => {
    bus.close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.once('disconnect', stop);
  const ready = { ready: true, port: bus.port, connectionString: bus.connectionString };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
  process.send?.(ready);
} catch (error) {
  fail(error);
}

function queuesIn(file: string): QueueSpec[] {
  const config: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const queues =
    typeof config === 'object' && config !== null && 'queues' in config ? config.queues : undefined;
  if (!Array.isArray(queues)) throw new Error(`${file}: expected {"queues": […]}.`);
  return queues as QueueSpec[];
}

function fail(error: unknown): never {
  process.stderr.write(`service bus: ${messageOf(error)}\n`);
  process.exit(1);
}
