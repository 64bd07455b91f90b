// The worker process: one function app behind the IPC channel of its parent, the host.
import { App } from './app.js';
import { toRemoteError } from './protocol.js';
import type { FromWorker, ToWorker } from './protocol.js';

const send = (message: FromWorker): void => {
  if (process.connected) process.send?.(message);
};
const app = new App((entry) => send({ kind: 'log', entry }));

async function receive(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'load':
      try {
        send({ kind: 'loaded', app: await app.load(message.appDir) });
      } catch (error) {
        send({ kind: 'loadFailed', error: toRemoteError(error) });
      }
      return;
    case 'invoke': {
      const { invocationId } = message.request;
      try {
        send({ kind: 'succeeded', invocationId, response: await app.invoke(message.request) });
      } catch (error) {
        send({ kind: 'failed', invocationId, error: toRemoteError(error) });
      }
      return;
    }
    case 'terminate':
      await app.terminate().catch((error: unknown) => {
        send({
          kind: 'log',
          entry: { level: 'error', category: 'system', message: `appTerminate failed: ${String(error)}` },
        });
      });
      process.disconnect();
  }
}

process.on('message', (message: ToWorker) => void receive(message));
// The host decides when its worker ends: a Ctrl-C in the terminal reaches the whole group at once.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('disconnect', () => process.exit(0));
process.on('uncaughtException', (error) => {
  const { stack } = toRemoteError(error);
  const entry = {
    level: 'critical',
    category: 'system',
    message: `Worker uncaught exception: ${stack}`,
  } as const;
  process.send?.({ kind: 'log', entry } satisfies FromWorker, () => process.exit(1));
});
