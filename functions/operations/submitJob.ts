import { count } from '../../shared/contract/count.js';
import type { SubmitJob } from '../../shared/contract/api.js';
import type { Product } from '../../shared/contract/fleet.js';
import type { Actor, Job, TrackerItem } from '../../shared/contract/job.js';
import type { Manifest } from '../../shared/contract/manifest.js';
import { AppError, type Problem } from '../../shared/errors.js';
import { parseManifest, placedIn, validateManifest } from '../../shared/manifest.js';
import { newJob } from '../../shared/rules/lifecycle.js';
import { JOBS } from '../../shared/topology.js';
import { operatorActor, requireRole, type Caller } from './caller.js';
import { commitNewJob } from './commitDecision.js';
import type { Deps } from './deps.js';
import { dispatchSoon } from './dispatchJob.js';
import { canonicalJson, sha256 } from '../../shared/eventChain.js';
import { jobIdOf } from '../../shared/jobId.js';
import { partitionOf, remember } from './jobStore.js';
import { readProduct, refuseReserved } from './products.js';
import { resolveDeps } from './resolveDeps.js';
import { resolveManifest } from './resolveManifest.js';

export interface Submitted {
  readonly job: Job;
  /** False when the same job was there already. */
  readonly created: boolean;
}

/**
 * Takes a job in.
 * @throws AppError invalid-manifest with every problem, idempotency-conflict, not-found (product), forbidden
 */
export async function submitJob(
  deps: Deps,
  caller: Caller,
  { body }: { body: SubmitJob },
): Promise<Submitted> {
  refuseReserved(body.productId);
  requireRole(caller, 'operator', body.productId);
  const parsed = 'text' in body ? parseManifest(body.text) : validateManifest(body.manifest);
  const problems = parsed.kind === 'invalid' ? parsed.problems : [];
  const read = parsed.kind === 'invalid' ? parsed.sound : parsed;
  if (read === undefined) throw invalid(problems);
  const product = await readProduct(deps, body.productId);
  const { manifest, given } = read;
  return submitManifest(deps, {
    product,
    manifest,
    given,
    actor: operatorActor(caller),
    problems,
    ...('text' in body && { text: body.text }),
  });
}

const invalid = (problems: Problem[]): AppError =>
  new AppError('invalid-manifest', `the manifest has ${count(problems.length, 'problem')}`, { problems });

export interface Submission {
  readonly product: Product;
  readonly manifest: Manifest;
  /** Fields that were written, as opposed to those that got their default. */
  readonly given: readonly string[];
  readonly actor: Actor;
  readonly trackerItem?: TrackerItem;
  /** What was found before; told with what is found here, and then nothing is taken in. */
  readonly problems?: readonly Problem[];
  /** What was sent, to tell the place of a problem in it. */
  readonly text?: string;
}

/**
 * Takes in a manifest: one batch, then dispatch at once. The id derives from the idempotency key, so a second
 * submit of the same key meets the first one in the database, also when both come at the same moment.
 * @throws AppError idempotency-conflict, invalid-manifest with every problem
 */
export async function submitManifest(deps: Deps, submission: Submission): Promise<Submitted> {
  const { product, manifest, given, actor, trackerItem, text } = submission;
  const { productId } = product;
  const jobId = jobIdOf(productId, manifest['idempotency-key'] ?? deps.chance.uuid());
  // What was asked for, before the product's settings fill the gaps: those may change between two submits.
  const contentHash = sha256(canonicalJson(manifest));
  const problems = [...(submission.problems ?? [])];
  const resolved = await resolveManifest(deps, product, manifest, given, problems);
  const needs = await resolveDeps(deps, { productId, jobId }, manifest.deps, problems);
  if (resolved === undefined || problems.length > 0)
    throw invalid(text === undefined ? problems : placedIn(text, problems));
  const decided = newJob({
    ...resolved,
    ...needs,
    productId,
    jobId,
    contentHash,
    actor,
    trackerItem,
    now: deps.clock.now(),
  });
  const job = await commitNewJob(deps, decided);
  if (job) {
    remember(deps, job);
    await dispatchSoon(deps, job);
    return { job, created: true };
  }
  const first = await deps.documents.read<Job>(JOBS, partitionOf({ productId, jobId }), 'job');
  if (first?.document.contentHash === contentHash) return { job: first.document, created: false };
  throw new AppError(
    'idempotency-conflict',
    `the key "${manifest['idempotency-key'] ?? ''}" belongs to ${jobId}, which asks for something else`,
    { jobId },
  );
}
