/** What is looked at before a run begins. */
import { statfs } from 'node:fs/promises';

/** The run cannot begin, and would not on a second try: reported as `preflight`, with a reason for people. */
export class PreflightError extends Error {
  override readonly name = 'PreflightError';
}

/** A run does not begin with less free on the disk of its data folder (bytes): a build that fills it fails them all. */
export const MIN_FREE_BYTES = 512 * 1024 * 1024;

/** Free bytes where a folder lies, as far as this user may use them. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
