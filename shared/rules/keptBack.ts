/** What keeps a job out of the ready set although no factory holds it, and what would let it in. */
import type { Dep, Job, Stage } from '../contract/job.js';
import { isStuck, openDeps } from './dag.js';
import { isEnded } from './stages.js';

export interface KeptBack {
  /** One sentence for people. */
  readonly summary: string;
  readonly wouldPlace: string;
}

/**
 * Undefined for a job that nothing keeps back.
 * @param stages of the jobs that it depends on
 * @param children stages of a composite's children
 */
export function keptBack(
  job: Job,
  stages: ReadonlyMap<string, Stage> = new Map(),
  children: ReadonlyMap<string, Stage> = new Map(),
): KeptBack | undefined {
  const { hold, waitsFor } = job;
  const family = familyNews(job, children);
  const waiting = waitsFor === undefined ? [] : openDeps(job.deps ?? [], stages);
  if (hold === undefined && waitsFor === undefined && family === undefined) return undefined;
  const summaries = [
    ...(hold === undefined ? [] : [`On hold by ${hold.by.id} since ${hold.at}: ${hold.reason}`]),
    ...(waitsFor === undefined ? [] : [`Waits for ${listed(waiting, (dep) => stateOf(dep, stages))}.`]),
    ...(family === undefined ? [] : [family.summary]),
  ];
  const changes = [
    ...(hold === undefined ? [] : [`the hold lifted (resume ${job.jobId})`]),
    ...waiting.map((dep) => changeFor(dep, stages)),
    ...(family === undefined ? [] : [family.wouldPlace]),
  ];
  return {
    summary: summaries.join(' '),
    wouldPlace: changes.length === 0 ? 'a moment: it is about to be offered' : changes.join(', and '),
  };
}

/** What a composite waits for: a plan, or the end of its children. */
function familyNews(job: Job, stages: ReadonlyMap<string, Stage>): KeptBack | undefined {
  if (job.children === undefined || job.stage !== 'queued') return undefined;
  const { count } = job.children;
  if (count === 0)
    return {
      summary: 'Waits for its children: it has none yet.',
      wouldPlace: `children (aq children add ${job.jobId} FILES)`,
    };
  const open = [...stages].filter(([, stage]) => !isEnded(stage)).map(([jobId]) => jobId);
  const shipped = [...stages.values()].filter((stage) => stage === 'shipped').length;
  const failed = stages.size - open.length - shipped;
  const named = open.slice(0, 3).join(', ') + (open.length > 3 ? ` and ${open.length - 3} more` : '');
  return {
    summary: `Waits for its children: ${shipped} of ${count} shipped${failed === 0 ? '' : `, ${failed} failed`}.`,
    wouldPlace: open.length === 0 ? 'a moment: its children have ended' : `${named} to end`,
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
