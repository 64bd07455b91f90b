import type { Job } from '../../shared/contract/job.js';
import type { ProfileSnapshot } from '../../shared/contract/profile.js';
import { routingOf } from '../../shared/rules/newJob.js';
import { nextRunKind } from '../../shared/rules/stages.js';
import { changeJob } from './changeJob.js';
import type { Deps } from './deps.js';
import { findProduct } from './products.js';
import { profileFor } from './profileStore.js';

/**
 * The profile that a ready job is assigned with: the newest version. A merge goes on with what the change was made
 * with. Where the newest version asks for other factories than the job was routed to, it goes to those instead.
 */
export async function assignedProfile(
  deps: Deps,
  job: Job,
): Promise<ProfileSnapshot | undefined | 'rerouted'> {
  const { profile: before, manifest, productId } = job;
  if (manifest.profile === undefined || nextRunKind(job) === 'land') return before;
  const now = (await profileFor(deps, productId, manifest.profile)) ?? before;
  if (now === undefined || (now.owner === before?.owner && now.version === before.version)) return before;
  const product = await findProduct(deps, productId);
  const { engine, requirements } = routingOf(manifest, now, product?.defaults.engine);
  const same = requirements.join() === job.requirements.join() && before?.spec.produces === now.spec.produces;
  if (same) return now;
  await changeJob(deps, job, {
    kind: 'reroute',
    actor: { kind: 'system', id: 'profiles' },
    profile: now,
    engine,
    requirements,
  });
  return 'rerouted';
}
