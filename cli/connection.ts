// Where the API is and who we are: from the environment, or from the connection file that `npm start` writes.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../shared/errors.js';
import type { Io } from './io.js';
import { clientCredentials } from './credentials.js';

export interface Connection {
  /** Base of the API, up to `/api`. */
  apiUrl: string;
  token: () => Promise<string>;
  /** The product that commands mean when none is named. */
  product: string | undefined;
}

/** In the working directory or any folder above it. */
const FILE = path.join('.gigafactory', 'connection.json');

/**
 * @param named a file of the command line: looked at instead of searching, and before the environment
 * @throws AppError invalid-request, saying what to do
 */
export async function findConnection(io: Io, named: string | undefined): Promise<Connection> {
  const { env } = io;
  // Set to nothing is how a shell takes a variable back for one command.
  const file = named ?? (env['GIGAFACTORY_CONNECTION'] || undefined);
  const apiUrl = env['GIGAFACTORY_API'];
  const token = env['GIGAFACTORY_TOKEN'];
  const product = env['GIGAFACTORY_PRODUCT'];
  if (file === undefined && apiUrl && token)
    return { apiUrl: webAddress(apiUrl, 'GIGAFACTORY_API'), token: () => Promise.resolve(token), product };
  if (file === undefined && (apiUrl || token))
    throw new AppError(
      'invalid-request',
      `${apiUrl ? 'GIGAFACTORY_API' : 'GIGAFACTORY_TOKEN'} is set, but ${apiUrl ? 'GIGAFACTORY_TOKEN' : 'GIGAFACTORY_API'} is not: set both, or neither to use ${FILE}.`,
    );
  const found = file === undefined ? await searchUpward(io.cwd) : await readNamed(path.resolve(io.cwd, file));
  if (!found)
    throw new AppError(
      'invalid-request',
      `There is no connection: no ${FILE} here or above. Run aq where \`npm start\` was run, name its file with --connection or GIGAFACTORY_CONNECTION, or set GIGAFACTORY_API and GIGAFACTORY_TOKEN.`,
    );
  const fields = readFields(found.text, found.file);
  const credentials = {
    tokenUrl: webAddress(fields.tokenUrl, `tokenUrl in ${found.file}`),
    clientId: fields.clientId,
    clientSecret: fields.clientSecret,
  };
  return {
    apiUrl: webAddress(fields.apiUrl, `apiUrl in ${found.file}`),
    token: clientCredentials(io, credentials),
    product: product ?? fields.product,
  };
}

interface Found {
  file: string;
  text: string;
}

async function searchUpward(from: string): Promise<Found | undefined> {
  for (let folder = path.resolve(from); ; folder = path.dirname(folder)) {
    const file = path.join(folder, FILE);
    const text = await readIfThere(file);
    if (text !== undefined) return { file, text };
    if (path.dirname(folder) === folder) return undefined;
  }
}

async function readNamed(file: string): Promise<Found> {
  const text = await readIfThere(file);
  if (text === undefined) throw new AppError('invalid-request', `${file} is not there.`);
  return { file, text };
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw new AppError('invalid-request', `${file} cannot be read: ${(error as Error).message}`);
  }
}

interface FileFields {
  apiUrl: string;
  tokenUrl: string;
  clientId: string;
  clientSecret: string;
  product?: string;
}

function readFields(text: string, file: string): FileFields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new AppError('invalid-request', `${file} is not JSON: \`npm start\` writes a new one.`);
  }
  const fields: Record<string, unknown> = typeof value === 'object' && value !== null ? { ...value } : {};
  const required = (name: keyof FileFields): string => {
    const field = fields[name];
    if (typeof field === 'string' && field !== '') return field;
    throw new AppError('invalid-request', `${file} has no ${name}: \`npm start\` writes a new one.`);
  };
  return {
    apiUrl: required('apiUrl'),
    tokenUrl: required('tokenUrl'),
    clientId: required('clientId'),
    clientSecret: required('clientSecret'),
    ...(typeof fields['product'] === 'string' ? { product: fields['product'] } : {}),
  };
}

function webAddress(text: string, where: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text.replace(/\/+$/, '');
  throw new AppError('invalid-request', `${where} is not a web address: ${text}`);
}
