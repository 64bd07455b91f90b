// Who the factories of a data folder were at the last start: the control plane is the same one, whatever its port.
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

type Api = (method: string, route: string, body?: unknown) => Promise<unknown>;

/** What a factory keeps of its enrolment, as far as it is needed here. */
interface StoredIdentity {
  readonly factoryId?: string;
  readonly apiUrl?: string;
}

const fileOf = (folder: string): string => path.join(folder, 'token');

function read(folder: string): StoredIdentity | undefined {
  try {
    return JSON.parse(readFileSync(fileOf(folder), 'utf8')) as StoredIdentity;
  } catch {
    // Never enrolled, or cut off while it wrote: it enrols.
    return undefined;
  }
}

/**
 * Lets the factory of a folder go on as who it was where only the API's address is another one: a factory takes
 * another address for another control plane, and would enrol a second time.
 * @returns the id that it had
 */
export function keepIdentity(folder: string, apiUrl: string): string | undefined {
  const stored = read(folder);
  if (stored === undefined || stored.apiUrl === apiUrl) return stored?.factoryId;
  const file = fileOf(folder);
  writeFileSync(`${file}.new`, JSON.stringify({ ...stored, apiUrl }), { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return stored.factoryId;
}

/** Takes a factory that is not coming back out of the fleet; one that is out already is fine. */
export async function retire(api: Api, factoryId: string, reason: string): Promise<void> {
  const { factories } = (await api('GET', 'factories')) as { factories: { id: string }[] };
  if (factories.some(({ id }) => id === factoryId))
    await api('POST', `factories/${factoryId}/revoke`, { reason });
}

/**
 * Takes the factories of earlier starts out of the fleet that are not started now: nobody would ever hear of them again.
 * @param folder one folder a factory
 * @param names those that are started
 */
export async function retireOthers(api: Api, folder: string, names: readonly string[]): Promise<void> {
  let entries: string[];
  try {
    entries = readdirSync(folder);
  } catch {
    return; // the first start
  }
  for (const name of entries) {
    if (names.includes(name)) continue;
    const { factoryId } = read(path.join(folder, name)) ?? {};
    if (factoryId === undefined) continue;
    await retire(api, factoryId, 'not started this time');
    rmSync(fileOf(path.join(folder, name)), { force: true });
  }
}
