// Blob Storage: Azurite's blob service in a process of its own.
import { createRequire } from 'node:module';
import { END_WITH_PARENT, startProcess } from '../processes.js';

/** Azurite's public account, the same on every machine (its README, "Default Storage Account"). */
const ACCOUNT = 'devstoreaccount1';
const ACCOUNT_KEY =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const LOOPBACK = '127.0.0.1';

/** What it says of itself when nothing is wrong. */
const ROUTINE = /^Azurite Blob service (is|successfully)/;

export interface Blobs {
  readonly port: number;
  readonly connectionString: string;
  /** Another one after a crash. */
  readonly pid: number | undefined;
  close(): Promise<void>;
}

export interface BlobsOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /**
   * Where blobs are kept; without it they live in memory. The index is written every few seconds and on close, so a
   * kill may cost the last seconds of it (Azurite's own limit).
   */
  readonly dataDir?: string;
  /** Gets each line that Azurite prints, but its greetings. */
  readonly log?: (line: string) => void;
  /** Told when it died; it is started again on the same port. */
  readonly onCrash?: (message: string) => void;
}

/** @throws Error when it does not start; a taken port is named with its cure */
export async function startBlobs(options: BlobsOptions = {}): Promise<Blobs> {
  const { port = 0, dataDir, log, onCrash } = options;
  const argumentsFor = (bound: unknown): string[] => [
    `--blobHost=${LOOPBACK}`,
    `--blobPort=${String(bound)}`,
    ...(dataDir ? [`--location=${dataDir}`] : ['--inMemoryPersistence']),
    '--silent',
    '--skipApiVersionCheck',
    '--disableTelemetry',
  ];
  const azurite = await startProcess({
    name: 'Blob Storage',
    module: createRequire(import.meta.url).resolve('azurite/dist/src/blob/main.js'),
    args: argumentsFor(port),
    restartArgs: (ready) => argumentsFor(ready.port),
    execArgv: END_WITH_PARENT,
    readyLine(line) {
      const bound = /successfully listens on http:\/\/[^:]+:(\d+)/.exec(line)?.[1];
      return bound === undefined ? undefined : { ready: true, port: Number(bound) };
    },
    onLine(line) {
      if (!ROUTINE.test(line)) log?.(line);
    },
    ...(onCrash ? { onCrash } : {}),
  }).catch((error: unknown) => {
    if (!/EADDRINUSE|already in use/i.test(String(error))) throw error;
    throw new Error(
      `Port ${port} for Blob Storage is taken: stop what listens there, or choose another port.`,
      { cause: error },
    );
  });
  const endpoint = `http://${LOOPBACK}:${String(azurite.ready.port)}/${ACCOUNT}`;
  return {
    port: Number(azurite.ready.port),
    get pid() {
      return azurite.pid;
    },
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${ACCOUNT_KEY};BlobEndpoint=${endpoint};`,
    close: () => azurite.stop(),
  };
}
