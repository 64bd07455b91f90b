// The emulator as a process of its own: prints one JSON line when it is ready.
import { parseArgs } from 'node:util';
import { startCosmos } from './server.js';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8081' },
    host: { type: 'string', default: '127.0.0.1' },
    data: { type: 'string' },
    key: { type: 'string' },
    partitions: { type: 'string' },
    ru: { type: 'string' },
  },
});

try {
  const server = await startCosmos({
    port: Number(values.port),
    host: values.host,
    ...(values.data === undefined ? {} : { dataDir: values.data }),
    ...(values.key === undefined ? {} : { key: values.key }),
    ...(values.partitions === undefined ? {} : { partitions: Number(values.partitions) }),
    ...(values.ru === undefined ? {} : { ruPerSecond: Number(values.ru) }),
    log: (message) => console.error(message),
  });
  const stop = (): void => {
    server.close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(String(error));
        process.exit(1);
      },
    );
  };
  for (const event of ['SIGTERM', 'SIGINT', 'disconnect']) process.once(event, stop);
  const { port, endpoint, key, connectionString } = server;
  const ready = { ready: true, port, endpoint, key, connectionString };
  console.log(JSON.stringify(ready));
  process.send?.(ready);
} catch (error) {
  console.error(`cosmos: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}
