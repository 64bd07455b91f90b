/** Who this factory is for the control plane: traded once for a one-time token, then kept in its data folder. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { credentialFor } from '../shared/cloud/credential.js';
import { EnrolledSchema, type FactoryToken } from '../shared/contract/api.js';
import { FactoryDescriptorSchema, type FactoryDescriptor } from '../shared/contract/fleet.js';
import type { Fleet } from './coordinator.js';
import { reasonOf, type Logger } from './log.js';
import { machinePace, type Pace } from './pace.js';
import { AUDIENCE, ENROLMENT } from './settings.js';

/** A token that runs out sooner is not worth starting with (s). */
const MIN_TOKEN_LIFE_SECONDS = 60;
/** The longest wait between two looks at the clock (ms): a laptop may have slept. */
const LOOK_MS = 3_600_000;
/** Between two tries to get a new token (ms); the old one holds for weeks. */
const RETRY_MS = 60_000;

/** The times in it are by this machine's own clock, see byOwnClock. */
const IdentitySchema = EnrolledSchema.omit({ issuedAt: true }).extend({
  /** The control plane that gave it. */
  apiUrl: z.string(),
  /** What the factory said of itself then; something else asks for another enrolment. */
  descriptor: FactoryDescriptorSchema,
});
export type Identity = z.infer<typeof IdentitySchema>;

/** There is no identity, and nothing to get one with. */
export class EnrolmentError extends Error {
  override readonly name = 'EnrolmentError';

  constructor(apiUrl: string, options?: ErrorOptions) {
    super(
      `this factory is not enrolled at ${apiUrl}: set ${ENROLMENT} to a one-time token (an admin makes one with aq enrol), or ${AUDIENCE} on a machine with a managed identity`,
      options,
    );
  }
}

/**
 * A token of the machine's own Azure identity, for the control plane.
 * @throws EnrolmentError when it has none that Azure knows
 */
export async function machineToken(apiUrl: string, audience: string): Promise<string> {
  const credential = await credentialFor({
    managedIdentity: false,
    clientId: process.env['AZURE_CLIENT_ID'],
  });
  const token = await credential.getToken(`${audience}/.default`).catch((cause: unknown) => {
    throw new EnrolmentError(apiUrl, { cause });
  });
  if (!token) throw new EnrolmentError(apiUrl);
  return token.token;
}

/**
 * What was given, with its times by this machine's clock, which may be off: one that is a week ahead would take every
 * token for an old one, and one that is months behind would let it run out.
 * @param now by the machine's clock (ms since 1970)
 */
export function byOwnClock<T extends FactoryToken>(
  { issuedAt, ...given }: T,
  now: number,
): Omit<T, 'issuedAt'> {
  const own = (time: string): string => new Date(Date.parse(time) + now - Date.parse(issuedAt)).toISOString();
  return { ...given, tokenExpiresAt: own(given.tokenExpiresAt), rotateAt: own(given.rotateAt) };
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
 * Trades the one-time token, or without one the machine's own identity, and stores what comes back, readable for the
 * owner alone.
 * @throws AppError when the control plane refuses it
 */
export async function enrol(
  fleet: Pick<Fleet, 'enrolFactory'>,
  dataDir: string,
  apiUrl: string,
  descriptor: FactoryDescriptor,
  enrolmentToken?: string,
): Promise<Identity> {
  const enrolled = await fleet.enrolFactory({
    body: { descriptor, ...(enrolmentToken === undefined ? {} : { enrolmentToken }) },
  });
  return store(dataDir, { ...byOwnClock(enrolled, Date.now()), apiUrl, descriptor });
}

/** Written aside and moved: a crash leaves the old one or the new one. */
export async function store(dataDir: string, identity: Identity): Promise<Identity> {
  const file = fileIn(dataDir);
  await writeFile(`${file}.new`, JSON.stringify(identity), { mode: 0o600 });
  await rename(`${file}.new`, file);
  return identity;
}

export interface Freshness {
  readonly fleet: Pick<Fleet, 'rotateToken'>;
  readonly identity: Identity;
  /** Stores a new identity; it is used only then. */
  readonly keep: (identity: Identity) => Promise<Identity>;
  readonly become: (identity: Identity) => void;
  readonly logger: Logger;
  readonly pace?: Pick<Pace, 'pause'>;
  /** The machine's clock (ms since 1970). */
  readonly now?: () => number;
}

/** Asks for a new token whenever the one in use has reached its age, until the signal is aborted. */
export async function keepFresh(
  { fleet, identity, keep, become, logger, pace = machinePace, now = Date.now }: Freshness,
  signal: AbortSignal,
): Promise<void> {
  let current = identity;
  while (!signal.aborted) {
    const due = Date.parse(current.rotateAt) - now();
    if (due > 0) {
      await pace.pause(Math.min(due, LOOK_MS), signal);
      continue;
    }
    try {
      const given = await fleet.rotateToken();
      current = await keep({ ...current, ...byOwnClock(given, now()) });
      become(current);
      logger.info('calls with a new token', { until: current.tokenExpiresAt });
    } catch (error) {
      logger.warn('got no new token yet', { why: reasonOf(error), until: current.tokenExpiresAt });
      await pace.pause(RETRY_MS, signal);
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
