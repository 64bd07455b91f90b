/** What keeps a job out of the ready set although no factory holds it, and what would let it in. */
import type { Dep, Job, Stage } from '../contract/job.js';
import { isStuck, openDeps } from './dag.js';

export interface KeptBack {
  /** One sentence for people. */
  readonly summary: string;
  readonly wouldPlace: string;
}

/**
 * Undefined for a job that nothing keeps back.
 * @param stages of the jobs that it depends on
 */
export function keptBack(job: Job, stages: ReadonlyMap<string, Stage> = new Map()): KeptBack | undefined {
  const { hold, waitsFor } = job;
  const waiting = waitsFor === undefined ? [] : openDeps(job.deps ?? [], stages);
  if (hold === undefined && waitsFor === undefined) return undefined;
  const summaries = [
    ...(hold === undefined ? [] : [`On hold by ${hold.by.id} since ${hold.at}: ${hold.reason}`]),
    ...(waitsFor === undefined ? [] : [`Waits for ${listed(waiting, (dep) => stateOf(dep, stages))}.`]),
  ];
  const changes = [
    ...(hold === undefined ? [] : [`the hold lifted (resume ${job.jobId})`]),
    ...waiting.map((dep) => changeFor(dep, stages)),
  ];
  return {
    summary: summaries.join(' '),
    wouldPlace: changes.length === 0 ? 'a moment: it is about to be offered' : changes.join(', and '),
  };
}

const listed = (deps: readonly Dep[], tell: (dep: Dep) => string): string =>
  deps.length === 0 ? 'nothing any more' : deps.map(tell).join(', ');

const stateOf = ({ jobId }: Dep, stages: ReadonlyMap<string, Stage>): string =>
  `${jobId} (${stages.get(jobId) ?? 'not there'})`;

function changeFor({ jobId, until }: Dep, stages: ReadonlyMap<string, Stage>): string {
  const goal = until === 'shipped' ? `${jobId} to ship` : `${jobId} to reach testing`;
  const stage = stages.get(jobId);
  return stage !== undefined && isStuck(stage) ? `${goal} (it is in ${stage}: requeue it)` : goal;
}
