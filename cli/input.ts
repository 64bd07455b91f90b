import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../shared/errors.js';
import type { Io } from './io.js';

/** @param file relative to the working directory; `-` is standard input @throws AppError naming what cannot be read */
export async function readInput(io: Io, file: string): Promise<string> {
  if (file === '-') return io.readStdin();
  try {
    return await readFile(path.resolve(io.cwd, file), 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new AppError(
      'invalid-request',
      code === 'ENOENT' ? `There is no file ${file}.` : `${file} cannot be read: ${message}`,
    );
  }
}
