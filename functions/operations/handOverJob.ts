import type { BatchStep, Stored } from '../../shared/cloud/documents.js';
import { isCloudError } from '../../shared/cloud/errors.js';
import type { HandedOver, HandOver } from '../../shared/contract/handOver.js';
import type { Job } from '../../shared/contract/job.js';
import type { RouteInput } from '../../shared/contract/routeTypes.js';
import { AppError, type Problem } from '../../shared/errors.js';
import { canonicalJson, sealEvents, sha256 } from '../../shared/eventChain.js';
import { jobIdOf } from '../../shared/jobId.js';
import { decideHandOver, handOverProblems, type HandOverDecision } from '../../shared/rules/handOver.js';
import { newJob } from '../../shared/rules/lifecycle.js';
import { isReady } from '../../shared/rules/stages.js';
import { JOBS } from '../../shared/topology.js';
import { auditJob } from './auditChain.js';
import { actorOf, requireServes, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import { dispatchSoon, withdrawJob } from './dispatchJob.js';
import { partitionOf, readHistory, remember } from './jobStore.js';
import { readProduct } from './products.js';

/** Others may claim or change the job at the same moment. */
const MAX_ATTEMPTS = 6;
const PAUSE_MS = 10;

/**
 * Takes over what a factory did of a job from its folder. The same record again (its answer got lost, the factory was
 * killed) is known by the head of its chain and changes nothing.
 * @throws AppError forbidden for a product that the factory does not serve, not-found (product), invalid-request for a
 *   record that is not whole, idempotency-conflict when the key belongs to other work, contended
 */
export async function handOverJob(
  deps: Deps,
  caller: Caller,
  { params: { productId }, body }: RouteInput<'handOverJob'>,
): Promise<HandedOver> {
  const factory = requireServes(caller, productId);
  await readProduct(deps, productId);
  requireWhole(productId, body);
  const ref = { productId, jobId: body.job.jobId };
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const before = await deps.documents.read<Job>(JOBS, partitionOf(ref), 'job');
    if (before) {
      const earlier = await earlierOutcome(deps, before.document, body.job.headHash);
      if (earlier) return { outcome: earlier, job: before.document };
      if (!contentHashes(body).includes(before.document.contentHash))
        throw new AppError(
          'idempotency-conflict',
          `the key "${body.key}" belongs to ${ref.jobId}, which asks for something else`,
          ref,
        );
    }
    const decision = decideHandOver(before?.document, body, actorOf(factory), deps.clock.now());
    const job = await commit(deps, before, body, decision, factory.id);
    if (job) {
      remember(deps, job);
      if (decision.isClockAhead)
        deps.log('warn', 'a job was handed over from a machine whose clock is ahead: set it', {
          jobId: ref.jobId,
          factoryId: factory.id,
        });
      await followUp(deps, before?.document, job);
      return { outcome: decision.outcome, job };
    }
    await deps.clock.sleep(deps.chance.random() * PAUSE_MS * attempt);
  }
  throw new AppError('contended', `${ref.jobId} is being changed by others; try again`);
}

/** The key may stand in the manifest or be the name of its file: the same work either way. */
const contentHashes = ({ key, job: { manifest, contentHash } }: HandOver): string[] => [
  contentHash,
  sha256(canonicalJson({ ...manifest, 'idempotency-key': key })),
];

async function earlierOutcome(
  deps: Deps,
  job: Job,
  headHash: string,
): Promise<HandedOver['outcome'] | undefined> {
  const { events } = await readHistory(deps, job);
  for (const { body } of events)
    if (body.kind === 'job.handed-over' && body.offline.headHash === headHash) return body.outcome;
  return undefined;
}

/** One batch: all of it or nothing. Undefined when somebody else was faster. */
async function commit(
  deps: Deps,
  before: Stored<Job> | undefined,
  { events: offline }: HandOver,
  decision: HandOverDecision,
  factoryId: string,
): Promise<Job | undefined> {
  const runs = decision.runs.map((run) => ({ ...run, handedOverBy: factoryId }));
  const { job, events } = sealEvents(decision.job, decision.events, runs);
  const steps: BatchStep[] = [
    before
      ? { kind: 'replace' as const, document: job, ifMatch: before.etag }
      : { kind: 'create' as const, document: job },
    ...[...runs, ...(before ? [] : offline), ...events].map((document) => ({
      kind: 'create' as const,
      document,
    })),
  ];
  try {
    await deps.documents.batch(JOBS, partitionOf(job), steps);
    return job;
  } catch (error) {
    // Also when the answer to our own write got lost: the next look finds it by its head.
    if (isCloudError(error, 'precondition', 'exists')) return undefined;
    throw error;
  }
}

async function followUp(deps: Deps, before: Job | undefined, after: Job): Promise<void> {
  try {
    if (before && isReady(before) && !isReady(after)) await withdrawJob(deps, before);
  } catch (error) {
    deps.log('warn', 'the next claim clears the ready entry away', {
      jobId: after.jobId,
      error: String(error),
    });
  }
  await dispatchSoon(deps, after);
}

/** @throws AppError invalid-request with every problem of a record that is not whole */
function requireWhole(productId: string, record: HandOver): void {
  const { key, job } = record;
  const { manifest } = job;
  const asked = newJob({
    manifest,
    productId,
    jobId: jobIdOf(productId, manifest['idempotency-key'] ?? key),
    contentHash: sha256(canonicalJson(manifest)),
    actor: job.submittedBy,
    deps: job.deps,
    now: job.submittedAt,
  }).job;
  const broken = auditJob(record).map(({ seq, message }) => ({ path: `events.${seq ?? 0}`, message }));
  const problems: Problem[] = [...handOverProblems(record, asked), ...broken];
  if (problems.length === 0) return;
  const told = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new AppError('invalid-request', told, { problems });
}
