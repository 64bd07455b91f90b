import { CATALOGUE_OWNER, type Profile } from '../../shared/contract/profile.js';
import { after } from '../../shared/rules/leases.js';
import { AppError } from '../../shared/errors.js';
import { JOBS, PROFILES } from '../../shared/topology.js';
import { assignedProfile } from './assignedProfile.js';
import type { Deps } from './deps.js';
import { inParallel } from './inParallel.js';
import { readJob, type JobRef } from './jobStore.js';

/** Jobs that the request of an edit moves; the sweeper moves the rest. */
const MAX_AT_ONCE = 100;
/** Edits that the sweeper looks at again: several of its turns (s). */
const RECENT_SECONDS = 180;

type Edited = Pick<Profile, 'productId' | 'name' | 'version'>;

/**
 * Moves jobs that wait to the factories that their profile asks for now. A claim would do the same, but a job in a pool
 * that nobody serves is never claimed.
 * @throws AppError contended
 */
export async function rerouteWaiting(deps: Deps, edited: Edited, atMost?: number): Promise<void> {
  const { productId: owner, name, version } = edited;
  const ofOwner = owner === CATALOGUE_OWNER ? '' : 'AND c.productId = @owner';
  const waiting = await deps.documents.select<JobRef>(JOBS, {
    text: `SELECT ${atMost === undefined ? '' : `TOP ${atMost}`} c.productId, c.jobId FROM c
           WHERE c.type = 'job' AND c.stage = 'queued' AND c.manifest.profile = @name ${ofOwner}
           AND (c.profile.owner != @owner OR c.profile.version < @version)`,
    parameters: { owner, name, version },
  });
  await inParallel(waiting, async (ref) => {
    try {
      await assignedProfile(deps, (await readJob(deps, ref)).document);
    } catch (error) {
      // It was taken, or ended, in the meantime.
      if (!(error instanceof AppError) || error.code !== 'illegal-transition') throw error;
    }
  });
}

/** As rerouteWaiting, within the request of the edit: whatever happens here, the sweeper does it again. */
export async function rerouteSoon(deps: Deps, edited: Edited): Promise<void> {
  try {
    await rerouteWaiting(deps, edited, MAX_AT_ONCE);
  } catch (error) {
    deps.log('warn', 'rerouting is left to the sweeper', { profile: edited.name, error: String(error) });
  }
}

/** What an edit left to do: one query over the few versions of the last minutes, empty where nobody edits. */
export async function rerouteRecent(deps: Deps): Promise<void> {
  const recent = await deps.documents.select<Edited>(PROFILES, {
    text: `SELECT c.productId, c.name, c.version FROM c WHERE c.type = 'version' AND (c.version > 1 OR c.productId != @catalogue) AND c.at >= @since`,
    parameters: { catalogue: CATALOGUE_OWNER, since: after(deps.clock.now(), -RECENT_SECONDS) },
  });
  for (const edited of recent) await rerouteWaiting(deps, edited);
}
