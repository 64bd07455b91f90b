// The emulator as a process of its own: prints one JSON line when it is ready.
import { parseArgs } from 'node:util';
import { messageOf } from '../errorText.js';
import { startCosmos } from './server.js';

/** A number from the command line. Throws an error that names the option. */
function numberOf(option: string, text: string, least: number): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < least)
    throw new Error(`--${option} takes a whole number from ${least}`);
  return number;
}

try {
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
  const server = await startCosmos({
    port: numberOf('port', values.port, 0),
    host: values.host,
    ...(values.data === undefined ? {} : { dataDir: values.data }),
    ...(values.key === undefined ? {} : { key: values.key }),
    ...(values.partitions === undefined ? {} : { partitions: numberOf('partitions', values.partitions, 1) }),
    ...(values.ru === undefined ? {} : { ruPerSecond: numberOf('ru', values.ru, 1) }),
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
  console.error(`cosmos: ${messageOf(error)}`);
  process.exit(1);
}
