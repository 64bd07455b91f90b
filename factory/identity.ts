/** Who this factory is for the control plane: traded once for a one-time token, then kept in its data folder. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { EnrolledSchema } from '../shared/contract/api.js';
import { FactoryDescriptorSchema, type FactoryDescriptor } from '../shared/contract/fleet.js';
import type { Coordinator } from './coordinator.js';
import { ENROLMENT } from './settings.js';

/** A token that runs out sooner is not worth starting with (s). */
const MIN_TOKEN_LIFE_SECONDS = 60;

const IdentitySchema = EnrolledSchema.extend({
  /** The control plane that gave it. */
  apiUrl: z.string(),
  /** What the factory said of itself then; something else asks for another enrolment. */
  descriptor: FactoryDescriptorSchema,
});
export type Identity = z.infer<typeof IdentitySchema>;

/** There is no identity, and no one-time token to get one with. */
export class EnrolmentError extends Error {
  override readonly name = 'EnrolmentError';
}

const fileIn = (dataDir: string): string => path.join(dataDir, 'token');

/** The stored identity, when it is of this control plane and has not run out. */
export async function storedIdentity(
  dataDir: string,
  apiUrl: string,
  now: number = Date.now(),
): Promise<Identity | undefined> {
  const text = await readFile(fileIn(dataDir), 'utf8').catch(() => '{}');
  const stored = IdentitySchema.safeParse(parse(text)).data;
  if (stored?.apiUrl !== apiUrl) return undefined;
  return Date.parse(stored.tokenExpiresAt) - now > MIN_TOKEN_LIFE_SECONDS * 1000 ? stored : undefined;
}

/** Does the stored identity describe the machine as it is now? Its pools were given for what it said then. */
export const describes = (identity: Identity, descriptor: FactoryDescriptor): boolean =>
  JSON.stringify(identity.descriptor) === JSON.stringify(FactoryDescriptorSchema.parse(descriptor));

/**
 * Trades the one-time token and stores what comes back, readable for the owner alone.
 * @throws EnrolmentError without a token; AppError when the control plane refuses it
 */
export async function enrol(
  coordinator: Pick<Coordinator, 'enrolFactory'>,
  dataDir: string,
  apiUrl: string,
  descriptor: FactoryDescriptor,
  enrolmentToken: string | undefined,
): Promise<Identity> {
  if (enrolmentToken === undefined) {
    throw new EnrolmentError(
      `this factory is not enrolled at ${apiUrl}: set ${ENROLMENT} to a one-time token (an admin makes one)`,
    );
  }
  const enrolled = await coordinator.enrolFactory({ body: { enrolmentToken, descriptor } });
  const identity = { ...enrolled, apiUrl, descriptor };
  // Written aside and moved: a crash leaves the old one or the new one.
  const file = fileIn(dataDir);
  await writeFile(`${file}.new`, JSON.stringify(identity), { mode: 0o600 });
  await rename(`${file}.new`, file);
  return identity;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
