import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../shared/errors.js';
import type { Io } from './io.js';

/**
 * @param file relative to the working directory; `-` is standard input
 * @throws AppError naming what cannot be read, and what is no text
 */
export async function readInput(io: Io, file: string): Promise<string> {
  if (file === '-') return io.readStdin();
  const bytes = await readBytes(io, file);
  // Decoded all the same, it would be a prompt of replacement characters.
  if (!isUtf8(bytes) || bytes.includes(0))
    throw new AppError('invalid-request', `${file} is no text: expected UTF-8 without NUL bytes.`);
  return bytes.toString('utf8');
}

async function readBytes(io: Io, file: string): Promise<Buffer> {
  try {
    return await readFile(path.resolve(io.cwd, file));
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new AppError('invalid-request', unreadable(file, code));
  }
}

function unreadable(file: string, code: string): string {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `There is no file ${file}.`;
    case 'EISDIR':
      return `${file} is a folder: name a file in it.`;
    case 'EACCES':
    case 'EPERM':
      return `${file} may not be read by you: look at its permissions.`;
    default:
      return `${file} cannot be read (${code}).`;
  }
}
