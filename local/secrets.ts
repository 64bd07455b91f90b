// Secrets of one embedded installation: made on first start, kept in the data folder for its owner alone.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** 32 bytes: the least that HS256 takes. */
const SECRET_BYTES = 32;

const NAMES = [
  'factoryTokenKey',
  'auditKey',
  'webhookSecret',
  'trackerToken',
  'adminSecret',
  'hostMasterKey',
] as const;
export type Secrets = Readonly<Record<(typeof NAMES)[number], string>>;

/**
 * Reads the secrets of a data folder, making those that are missing.
 * @throws when the file is there but is no JSON object: it names the file and the cure
 */
export function loadSecrets(dataDir: string): Secrets {
  const file = path.join(dataDir, 'secrets.json');
  let known: Record<string, unknown> = {};
  try {
    known = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
      throw new Error(`${file} cannot be read as JSON; delete it to have new secrets made`, { cause: error });
    }
  }
  const secrets = Object.fromEntries(
    NAMES.map((name) => {
      const value = known[name];
      return [name, typeof value === 'string' ? value : randomBytes(SECRET_BYTES).toString('base64')];
    }),
  ) as Secrets;
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(file, JSON.stringify(secrets, undefined, 2) + '\n', { mode: 0o600 });
  return secrets;
}
