// Serves the built console as a static web app does in the cloud: its files, the page itself for every other
// address, and the settings of this installation.
import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import { listen, send, sendJson } from './httpServer.js';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
};
/** Vite puts a hash of the content into the names there. */
const HASHED = '/assets/';
/** Only the console itself may frame it: the silent renewal of a sign-in does. */
const PAGE_HEADERS = {
  'x-frame-options': 'SAMEORIGIN',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
};

export interface ConsoleOptions {
  /** 0, the default, chooses a free one. */
  port?: number;
  host?: string;
  /** The folder of the built console. */
  root: string;
  /** Answers `/config.json`; read at each request, so it may be filled in after the start. */
  config: object;
  log?: (line: string) => void;
}

export interface ConsoleSite {
  port: number;
  url: string;
  close: () => Promise<void>;
}

/** @throws Error when the port is taken */
export function startConsole({ root, config, ...options }: ConsoleOptions): Promise<ConsoleSite> {
  const folder = path.resolve(root);
  return listen('the console', options, async (request, response, { pathname }) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      send(response, 405, 'text/plain; charset=utf-8', 'Only GET and HEAD.\n', { allow: 'GET, HEAD' });
    } else if (pathname === '/config.json') {
      sendJson(response, 200, config, { 'cache-control': 'no-store' });
    } else {
      await serve(response, folder, pathname);
    }
  });
}

async function serve(response: ServerResponse, folder: string, pathname: string): Promise<void> {
  const file = fileFor(folder, pathname);
  const extension = file === undefined ? '' : path.extname(file);
  const content = file !== undefined && extension ? await read(file) : undefined;
  if (content !== undefined) {
    const cache = pathname.startsWith(HASHED)
      ? { 'cache-control': 'public, max-age=31536000, immutable' }
      : PAGE_HEADERS;
    send(response, 200, TYPES[extension] ?? 'application/octet-stream', content, cache);
    return;
  }
  // An address with an extension is a file that is not there; any other is a place within the console.
  const page = file !== undefined && !extension ? await read(path.join(folder, 'index.html')) : undefined;
  if (page !== undefined) send(response, 200, TYPES['.html'] ?? '', page, PAGE_HEADERS);
  else if (file === undefined || extension)
    send(response, 404, 'text/plain; charset=utf-8', 'There is no such file.\n');
  else send(response, 503, 'text/plain; charset=utf-8', 'The console is not built: run npm run build.\n');
}

/** The file that an address means, or undefined where it would lie outside the folder. */
function fileFor(folder: string, pathname: string): string | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(pathname);
  } catch {
    return undefined;
  }
  if (decoded.includes('\0')) return undefined;
  const file = path.join(folder, decoded);
  return file === folder || file.startsWith(folder + path.sep) ? file : undefined;
}

async function read(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (['ENOENT', 'EISDIR', 'ENOTDIR', 'ENAMETOOLONG'].includes(code)) return undefined;
    throw error;
  }
}
