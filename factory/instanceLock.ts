/** One factory a data folder: two would remove each other's worktrees. */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import os from 'node:os';
import path from 'node:path';

/** Longest address of a Unix socket that every system takes (bytes). */
const MAX_SOCKET_PATH = 100;

/** The data folder is in use. */
export class InUseError extends Error {
  override readonly name = 'InUseError';
}

/**
 * A socket, since it dies with its process: a file with a process id would outlive a crash. On Windows a named pipe,
 * the same for a folder in whatever letters.
 */
export function lockAddress(dataDir: string, platform: NodeJS.Platform = process.platform): string {
  const isWindows = platform === 'win32';
  const hash = createHash('sha256')
    .update(isWindows ? dataDir.toLowerCase() : dataDir)
    .digest('hex')
    .slice(0, 16);
  if (isWindows) return `\\\\.\\pipe\\gigafactory-${hash}`;
  const inside = path.posix.join(dataDir, 'lock');
  return Buffer.byteLength(inside) <= MAX_SOCKET_PATH
    ? inside
    : path.posix.join(os.tmpdir(), `gigafactory-${hash}.lock`);
}

/** How the folder is named on the command line. */
export type FolderOption = '--data' | '--folder';

/**
 * Takes a folder until the returned function is called, or the process ends.
 * @throws InUseError when another factory has it
 */
export async function lockFolder(
  dataDir: string,
  option: FolderOption = '--data',
): Promise<() => Promise<void>> {
  const address = lockAddress(dataDir);
  const server = createServer((socket) => socket.destroy());
  if (!(await listen(server, address))) {
    if (await answers(address)) {
      throw new InUseError(
        `another factory works in ${dataDir}: stop it, or give this one a folder with ${option}`,
      );
    }
    // Left by a factory that crashed.
    await rm(address, { force: true });
    if (!(await listen(server, address)))
      throw new InUseError(`another factory has just started in ${dataDir}`);
  }
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}

const listen = (server: Server, address: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      server.removeAllListeners('listening');
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen(address, () => {
      server.removeAllListeners('error');
      resolve(true);
    });
  });

const answers = (address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(address, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
