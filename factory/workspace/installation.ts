/** Where the factory's own program lies: the one checkout that no job may work on. */
import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { PreflightError } from './preflight.js';

/** The folder of the nearest package.json: the same for the sources and for what is built of them. */
function installation(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'package.json')) && path.dirname(folder) !== folder)
    folder = path.dirname(folder);
  return folder;
}
export const INSTALLATION = installation();

/** The folder that a `file:` address means; the address itself where it means a folder of another machine. */
function folderOf(address: string): string {
  try {
    return fileURLToPath(address);
  } catch {
    return address;
  }
}

/**
 * A push to a checkout moves its branches, and with `receive.denyCurrentBranch=updateInstead` its files: a job would
 * exchange the factory that carries it out.
 * @param repo an address or a path
 * @throws PreflightError when it is the checkout that this factory runs from, by whatever name
 */
export async function refuseInstallation(repo: string, root: string = INSTALLATION): Promise<void> {
  const local = /^file:/i.test(repo) ? folderOf(repo) : repo;
  const [asked, own] = await Promise.all([local, root].map((folder) => realpath(folder).catch(() => '')));
  if (own === undefined || own === '' || (asked !== own && asked !== path.join(own, '.git'))) return;
  throw new PreflightError(
    `${repo} is the checkout that this factory runs from, and no job changes that: name another clone or the remote in \`repo\`, and update the factory after its drain`,
  );
}
