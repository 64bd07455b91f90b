import type { BatchStep, Stored } from '../../shared/cloud/documents.js';
import { isCloudError } from '../../shared/cloud/errors.js';
import type { Job } from '../../shared/contract/job.js';
import type { Accepted } from '../../shared/rules/lifecycle.js';
import { JOBS } from '../../shared/topology.js';
import type { Deps } from './deps.js';
import { sealEvents } from '../../shared/eventChain.js';
import { partitionOf } from './jobStore.js';

/**
 * Writes what was decided: job (only if it is still the version that the decision was made on), run and events in
 * one batch. The only place that writes a stage.
 *
 * An answer that got lost is asked for again, and then the condition fails on our own write. The head of the event
 * chain tells: it covers who, when and what, so the same head means the same write.
 * @returns the job as it is stored now; undefined when somebody else was first
 */
export async function commitDecision(
  deps: Deps,
  before: Stored<Job>,
  decision: Accepted,
): Promise<Job | undefined> {
  const { job, events } = sealEvents(decision.job, decision.events, decision.run ? [decision.run] : []);
  const partition = partitionOf(job);
  const steps: BatchStep[] = [
    { kind: 'replace', document: job, ifMatch: before.etag },
    ...(decision.run ? [{ kind: 'upsert' as const, document: decision.run }] : []),
    ...events.map((document) => ({ kind: 'create' as const, document })),
  ];
  try {
    await deps.documents.batch(JOBS, partition, steps);
    return job;
  } catch (error) {
    if (!isCloudError(error, 'precondition', 'exists')) throw error;
    const current = await deps.documents.read<Job>(JOBS, partition, 'job');
    return current?.document.headHash === job.headHash ? job : undefined;
  }
}

/** As commitDecision, for a job that is new. False when there is one with that id. */
export async function commitNewJob(
  deps: Deps,
  created: Pick<Accepted, 'job' | 'events'>,
): Promise<Job | undefined> {
  const { job, events } = sealEvents(created.job, created.events);
  try {
    await deps.documents.batch(
      JOBS,
      partitionOf(job),
      [job, ...events].map((document) => ({ kind: 'create', document })),
    );
    return job;
  } catch (error) {
    if (isCloudError(error, 'exists')) return undefined;
    throw error;
  }
}
