// Several manifests that belong together: files of one command line, each known by its key.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Manifest } from '../shared/contract/manifest.js';
import { AppError } from '../shared/errors.js';
import type { FileProblem } from './failures.js';
import { readInput } from './input.js';
import type { Io } from './io.js';

export interface ManifestFile {
  /** Its idempotency key, or the file's name without its ending. */
  readonly key: string;
  readonly file: string;
  readonly text: string;
  readonly manifest: Manifest;
}

/** @throws AppError invalid-manifest with every problem of every file, invalid-request for a key that stands there twice */
export async function readManifestSet(io: Io, names: readonly string[]): Promise<ManifestFile[]> {
  const { set, problems } = await scanManifestSet(io, names);
  if (problems.length > 0)
    throw new AppError('invalid-manifest', 'some of the manifests are not valid', { problems });
  return set.flatMap(({ manifest, ...file }) => (manifest === undefined ? [] : [{ ...file, manifest }]));
}

/**
 * The same with what is wrong beside it: of a file with problems what holds by itself, undefined where it cannot be
 * read at all.
 * @throws AppError invalid-request for a key that stands there twice
 */
export async function scanManifestSet(
  io: Io,
  names: readonly string[],
): Promise<{
  set: (Omit<ManifestFile, 'manifest'> & { manifest?: Manifest | undefined })[];
  problems: FileProblem[];
}> {
  const { parseManifest } = await import('../shared/manifest.js');
  const files = (await Promise.all(names.map((name) => filesIn(io, name)))).flat();
  const problems: FileProblem[] = [];
  const set: Awaited<ReturnType<typeof scanManifestSet>>['set'] = [];
  for (const file of files) {
    const text = await readInput(io, file);
    const read = parseManifest(text);
    if (read.kind === 'invalid') problems.push(...read.problems.map((one) => ({ ...one, file })));
    const manifest = read.kind === 'invalid' ? read.sound?.manifest : read.manifest;
    set.push({ key: manifest?.['idempotency-key'] ?? nameOf(file), file, text, manifest });
  }
  const twice = set.find(({ key }, at) => set.findIndex((one) => one.key === key) < at);
  if (twice)
    throw new AppError('invalid-request', `${twice.file}: another file has the key ${twice.key} already.`);
  return { set, problems };
}

const nameOf = (file: string): string => path.basename(file).replace(/\.(md|markdown|json|ya?ml)$/, '');

/** A folder stands for the manifests in it, in the order of their names. */
export async function filesIn(io: Io, name: string): Promise<string[]> {
  const folder = path.resolve(io.cwd, name);
  try {
    const entries = await readdir(folder);
    return entries
      .filter((entry) => /\.(md|markdown|json)$/.test(entry))
      .toSorted()
      .map((entry) => path.join(name, entry));
  } catch {
    // No folder: a file, or nothing, which reading it tells.
    return [name];
  }
}
