import type { Stored } from '../../shared/cloud/documents.js';
import type { JobEvent } from '../../shared/contract/event.js';
import type { Job, Run } from '../../shared/contract/job.js';
import type { Role } from '../../shared/contract/routes.js';
import { AppError } from '../../shared/errors.js';
import { runId } from '../../shared/rules/lifecycle.js';
import { JOBS } from '../../shared/topology.js';
import { hasRole, requireRole, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import { instanceMemory } from './instanceMemory.js';

export interface JobRef {
  readonly productId: string;
  readonly jobId: string;
}

/** A job never changes its product, so an answer stays true. About 100 bytes each. */
const MAX_KNOWN = 10_000;
const productsOf = instanceMemory(() => new Map<string, string>());

/** The partition of a job, its runs and its events. */
export const partitionOf = (ref: JobRef): [string, string] => [ref.productId, ref.jobId];

export const noSuchJob = (jobId: string): AppError =>
  new AppError('not-found', `there is no job ${jobId}`, { jobId });

export function remember(deps: Deps, { jobId, productId }: JobRef): void {
  const known = productsOf(deps);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(jobId, productId);
}

/**
 * Finds the partition of a job by its id alone. The first time on an instance that asks all partitions.
 * @throws AppError not-found
 */
export async function locateJob(deps: Deps, jobId: string): Promise<JobRef> {
  const productId = productsOf(deps).get(jobId);
  if (productId !== undefined) return { productId, jobId };
  const [found] = await deps.documents.select<string>(JOBS, {
    text: `SELECT VALUE c.productId FROM c WHERE c.jobId = @jobId AND c.type = 'job'`,
    parameters: { jobId },
  });
  if (found === undefined) throw noSuchJob(jobId);
  const ref = { productId: found, jobId };
  remember(deps, ref);
  return ref;
}

/** @throws AppError not-found */
export async function readJob(deps: Deps, ref: JobRef): Promise<Stored<Job>> {
  const stored = await deps.documents.read<Job>(JOBS, partitionOf(ref), 'job');
  if (!stored) throw noSuchJob(ref.jobId);
  return stored;
}

/** The run of an epoch; undefined before the first claim. */
export async function readRun(deps: Deps, ref: JobRef, epoch: number): Promise<Run | undefined> {
  if (epoch === 0) return undefined;
  return (await deps.documents.read<Run>(JOBS, partitionOf(ref), runId(epoch)))?.document;
}

/**
 * A job for a person: one of a product that they may not look at is not there for them.
 * @throws AppError not-found, forbidden
 */
export async function jobFor(deps: Deps, caller: Caller, jobId: string, role: Role): Promise<Job> {
  const ref = await locateJob(deps, jobId);
  if (!hasRole(caller, 'viewer', ref.productId)) throw noSuchJob(jobId);
  requireRole(caller, role, ref.productId);
  return (await readJob(deps, ref)).document;
}

/** What was written of a job, the documents as they are stored. */
export interface History {
  readonly job: Job;
  readonly runs: Run[];
  readonly events: JobEvent[];
}

/** Everything in a job's partition: the job, its runs and its events, each in the order of their ids. */
export async function readHistory(deps: Deps, ref: JobRef): Promise<History> {
  const documents = await deps.documents.query<Job | Run | JobEvent>(JOBS, {
    text: `SELECT * FROM c WHERE c.type IN ('job', 'run', 'event')`,
    partition: partitionOf(ref),
  });
  const runs: Run[] = [];
  const events: JobEvent[] = [];
  let job: Job | undefined;
  for (const { document } of documents) {
    if (document.type === 'job') job = document;
    else if (document.type === 'run') runs.push(document);
    else events.push(document);
  }
  if (!job) throw noSuchJob(ref.jobId);
  runs.sort((one, other) => one.epoch - other.epoch);
  events.sort((one, other) => one.seq - other.seq);
  return { job, runs, events };
}
