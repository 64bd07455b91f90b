import { isCloudError } from '../../shared/cloud/errors.js';
import type { BatchStep, Stored } from '../../shared/cloud/documents.js';
import {
  CATALOGUE_OWNER,
  type Profile,
  type ProfileSnapshot,
  type ProfileSpec,
} from '../../shared/contract/profile.js';
import type { Actor } from '../../shared/contract/job.js';
import { catalogue } from '../../shared/manifest/catalogue.js';
import { PROFILES } from '../../shared/topology.js';
import type { Deps } from './deps.js';

const CATALOGUE: Actor = { kind: 'system', id: 'catalogue' };

const currentId = (name: string): string => `profile:${name}`;
/** Sorts as the versions do. */
const versionId = (name: string, version: number): string =>
  `version:${name}:${String(version).padStart(6, '0')}`;

const readOwn = (deps: Deps, owner: string, name: string): Promise<Stored<Profile> | undefined> =>
  deps.documents.read<Profile>(PROFILES, [owner], currentId(name));

/**
 * The newest version of exactly that owner's profile. One of the catalogue comes into the database when it is asked
 * for the first time; from then on what people make of it counts, not the file.
 */
export async function readProfile(
  deps: Deps,
  owner: string,
  name: string,
): Promise<Stored<Profile> | undefined> {
  const stored = await readOwn(deps, owner, name);
  const spec = owner === CATALOGUE_OWNER ? catalogue().get(name) : undefined;
  if (stored !== undefined || spec === undefined) return stored;
  await writeVersion(deps, { owner, name, spec, by: CATALOGUE, note: 'the catalogue as it was shipped' });
  return readOwn(deps, owner, name);
}

/** The profile of that name that a product's job gets: the product's own, else the catalogue's. */
export async function profileFor(
  deps: Deps,
  productId: string,
  name: string,
): Promise<ProfileSnapshot | undefined> {
  const stored =
    (await readProfile(deps, productId, name)) ?? (await readProfile(deps, CATALOGUE_OWNER, name));
  if (!stored) return undefined;
  const { productId: owner, version, spec } = stored.document;
  return { name, owner, version, spec };
}

/** The newest versions of an owner, by name. */
export async function profilesOf(deps: Deps, owner: string): Promise<Map<string, Profile>> {
  if (owner === CATALOGUE_OWNER)
    await Promise.all([...catalogue().keys()].map((name) => readProfile(deps, owner, name)));
  const stored = await deps.documents.query<Profile>(PROFILES, {
    text: `SELECT * FROM c WHERE c.type = 'profile' ORDER BY c.name`,
    partition: [owner],
  });
  return new Map(stored.map(({ document }) => [document.name, document]));
}

export interface NewVersion {
  readonly owner: string;
  readonly name: string;
  readonly spec: ProfileSpec;
  readonly by: Actor;
  readonly note?: string | undefined;
}

/**
 * Writes the next version, and the copy that is current, in one batch.
 * @param before what it was made of; left out for a new profile
 * @returns undefined when somebody else was faster
 */
export async function writeVersion(
  deps: Deps,
  { owner, name, spec, by, note }: NewVersion,
  before?: Stored<Profile>,
): Promise<Profile | undefined> {
  const version = (before?.document.version ?? 0) + 1;
  const profile: Profile = {
    id: currentId(name),
    type: 'profile',
    productId: owner,
    name,
    version,
    spec,
    at: deps.clock.now(),
    by,
    ...(note !== undefined && { note }),
  };
  const current: BatchStep = before
    ? { kind: 'replace', document: profile, ifMatch: before.etag }
    : { kind: 'create', document: profile };
  const copy: Profile = { ...profile, id: versionId(name, version), type: 'version' };
  try {
    await deps.documents.batch(PROFILES, [owner], [current, { kind: 'create', document: copy }]);
    return profile;
  } catch (error) {
    if (isCloudError(error, 'exists', 'precondition', 'not-found')) return undefined;
    throw error;
  }
}

/** Every version, the newest first. */
export async function versionsOf(deps: Deps, owner: string, name: string): Promise<Profile[]> {
  await readProfile(deps, owner, name);
  const stored = await deps.documents.query<Profile>(PROFILES, {
    text: `SELECT * FROM c WHERE c.type = 'version' AND c.name = @name ORDER BY c.version DESC`,
    parameters: { name },
    partition: [owner],
  });
  return stored.map(({ document }) => document);
}
