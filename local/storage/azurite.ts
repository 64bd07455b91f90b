// Blob Storage: Azurite's blob service in a process of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

/** Azurite's public account, the same on every machine (its README, "Default Storage Account"). */
const ACCOUNT = 'devstoreaccount1';
const ACCOUNT_KEY =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const LOOPBACK = '127.0.0.1';
/** ms to write its index and end; it takes about 100. */
const GRACE = 3_000;
/**
 * When this process is killed, nobody is left to stop Azurite: it stops itself, as if asked. Once asked, the channel
 * to the parent must not keep it alive.
 */
const STOP_WITH_PARENT = `
  process.once('SIGTERM', () => process.channel?.unref());
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));`;

export interface Blobs {
  port: number;
  connectionString: string;
  pid: number;
  close(): Promise<void>;
}

/**
 * @param options.port 0, the default, takes a free one
 * @param options.dataDir where blobs are kept; without it they live in memory. The index is written every few
 *   seconds and on close, so a kill may cost the last seconds of it (Azurite's own limit)
 * @param options.log gets each line that Azurite prints
 * @throws Error when it does not start; a taken port is named with its cure
 */
export async function startBlobs(
  options: { port?: number; dataDir?: string; log?: (line: string) => void } = {},
): Promise<Blobs> {
  const { port = 0, dataDir, log } = options;
  const entry = createRequire(import.meta.url).resolve('azurite/dist/src/blob/main.js');
  const child = spawn(
    process.execPath,
    [
      '--import',
      `data:text/javascript,${encodeURIComponent(STOP_WITH_PARENT)}`,
      entry,
      `--blobHost=${LOOPBACK}`,
      `--blobPort=${port}`,
      ...(dataDir ? [`--location=${dataDir}`] : ['--inMemoryPersistence']),
      '--silent',
      '--skipApiVersionCheck',
      '--disableTelemetry',
    ],
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  );
  const exited = once(child, 'exit');
  const said: string[] = [];
  const listening = new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => {
      const words = said.join('\n');
      reject(
        /EADDRINUSE|already in use/i.test(words)
          ? new Error(
              `Port ${port} for Blob Storage is taken: stop what listens there, or choose another port.`,
            )
          : new Error(`Blob Storage did not start (exit code ${code}): ${words}`),
      );
    });
    for (const output of [child.stdout, child.stderr]) {
      if (!output) continue;
      createInterface({ input: output }).on('line', (line) => {
        log?.(line);
        said.push(line);
        const bound = /successfully listens on http:\/\/[^:]+:(\d+)/.exec(line)?.[1];
        if (bound) resolve(Number(bound));
      });
    }
  });
  const bound = await listening;
  const endpoint = `http://${LOOPBACK}:${bound}/${ACCOUNT}`;
  return {
    port: bound,
    pid: child.pid ?? 0,
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${ACCOUNT_KEY};BlobEndpoint=${endpoint};`,
    async close() {
      const kill = setTimeout(() => child.kill('SIGKILL'), GRACE);
      child.kill('SIGTERM');
      await exited;
      clearTimeout(kill);
    },
  };
}
