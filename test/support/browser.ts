// A real browser for end-to-end tests: Debian's Chromium, found by its path.
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { chromium, type Browser } from 'playwright-core';

/** Keeps Chromium from looking for its maker's hosts; no test needs anything but loopback. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The browser's path; undefined where there is none. */
export const browserPath = (process.env.PATH ?? '')
  .split(path.delimiter)
  .flatMap((folder) =>
    ['chromium', 'chromium-browser', 'google-chrome'].map((name) => path.join(folder, name)),
  )
  .find(isExecutable);

if (!browserPath) {
  const sentence =
    'No chromium on the PATH: the browser tests are skipped (Debian: apt-get install chromium).';
  if (process.env.REQUIRE_BROWSER) throw new Error(sentence);
  process.stderr.write(`${sentence}\n`);
}

/** Starts the browser; close it when done. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ ...(browserPath ? { executablePath: browserPath } : {}), args: ARGUMENTS });
