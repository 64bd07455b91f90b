/** What keeps a job out of the ready set although no factory holds it, and what would let it go on. */
import type { Awaited } from '../contract/explanation.js';
import type { Dep, Job, Stage } from '../contract/job.js';
import { isStuck, openDeps } from './dag.js';
import { isEnded } from './stages.js';

/** A child of a composite, as far as its parent cares. */
export type ChildState = Pick<Job, 'jobId' | 'stage' | 'key'>;

export interface KeptBack {
  /** One sentence for people. */
  readonly summary: string;
  /** The smallest step that lets it go on. */
  readonly wouldPlace: string;
  readonly waitsFor?: Awaited[];
}

/** A sentence stays one. */
const MAX_NAMED = 3;

/**
 * Undefined for a job that nothing keeps back.
 * @param stages of the jobs that it depends on
 * @param children of a composite
 */
export function keptBack(
  job: Job,
  stages: ReadonlyMap<string, Stage> = new Map(),
  children: readonly ChildState[] = [],
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
    ...(hold === undefined ? [] : [`the hold lifted (aq resume ${job.jobId})`]),
    ...waiting.map((dep) => changeFor(dep, stages)),
    ...(family === undefined ? [] : [family.wouldPlace]),
  ];
  const awaited = [...waiting.map((dep) => awaitedDep(dep, stages)), ...(family?.waitsFor ?? [])];
  return {
    summary: summaries.join(' '),
    wouldPlace: changes.length === 0 ? 'a moment: it is about to be offered' : changes.join(', and '),
    ...(awaited.length > 0 && { waitsFor: awaited }),
  };
}

/** What a composite waits for: a plan, or the end of its children. */
function familyNews(job: Job, children: readonly ChildState[]): KeptBack | undefined {
  if (job.children === undefined || job.stage !== 'queued') return undefined;
  const { count } = job.children;
  if (count === 0)
    return {
      summary: 'Waits for its children: it has none yet.',
      wouldPlace: `children (aq children add ${job.jobId} FILES)`,
    };
  const open = children
    .filter(({ stage }) => !isEnded(stage))
    .toSorted((one, other) => NEAREST.indexOf(one.stage) - NEAREST.indexOf(other.stage));
  const failed = children.filter(({ stage }) => isStuck(stage));
  const shipped = children.length - open.length - failed.length;
  const parts = [
    `${shipped} of ${count} shipped`,
    ...(failed.length === 0 ? [] : [`${failed.length} failed (${namesOf(failed, nameOf)})`]),
    ...(open.length === 0 ? [] : [`open ${namesOf(open, (one) => `${nameOf(one)} (${one.stage})`)}`]),
  ];
  return {
    summary: `Waits for its children: ${parts.join(', ')}.`,
    wouldPlace: stepOf(open, failed),
    waitsFor: open.map(({ jobId, key, stage }) => ({
      jobId,
      ...(key !== undefined && { key }),
      stage,
      until: 'ended',
    })),
  };
}

/** The stages of what has not ended, the nearest to its end first. */
const NEAREST: readonly Stage[] = ['testing', 'review', 'building', 'assigned', 'queued'];

const nameOf = ({ key, jobId }: ChildState): string => key ?? jobId;

const namesOf = <T>(all: readonly T[], name: (one: T) => string): string =>
  all.slice(0, MAX_NAMED).map(name).join(', ') +
  (all.length > MAX_NAMED ? ` and ${all.length - MAX_NAMED} more` : '');

/** The next step of the child that needs least, and those that failed, which it would fail with. */
function stepOf(open: readonly ChildState[], failed: readonly ChildState[]): string {
  const [lost] = failed;
  const [nearest, ...others] = open;
  const steps = [
    ...(lost === undefined ? [] : [`${nameOf(lost)} run again, or it fails too (aq requeue ${lost.jobId})`]),
    ...(nearest === undefined ? [] : [childStep(nearest)]),
  ];
  if (steps.length === 0) return 'a moment: its children have ended';
  return steps.join(', and ') + (others.length === 0 ? '' : `, then the end of ${others.length} more`);
}

function childStep(child: ChildState): string {
  const name = nameOf(child);
  switch (child.stage) {
    case 'testing':
      return `${name} shipped (aq ship ${child.jobId})`;
    case 'review':
      return `a person's word on ${name} (aq show ${child.jobId})`;
    case 'queued':
      return `${name} placed (aq explain ${child.jobId})`;
    default:
      return `the end of ${name}, which is at work`;
  }
}

const listed = (deps: readonly Dep[], tell: (dep: Dep) => string): string =>
  deps.length === 0 ? 'nothing any more' : deps.map(tell).join(', ');

const stateOf = ({ jobId }: Dep, stages: ReadonlyMap<string, Stage>): string =>
  `${jobId} (${stages.get(jobId) ?? 'not there'})`;

function awaitedDep({ jobId, until }: Dep, stages: ReadonlyMap<string, Stage>): Awaited {
  const stage = stages.get(jobId);
  return { jobId, ...(stage !== undefined && { stage }), until };
}

function changeFor({ jobId, until }: Dep, stages: ReadonlyMap<string, Stage>): string {
  const goal = until === 'shipped' ? `${jobId} to ship` : `${jobId} to reach testing`;
  const stage = stages.get(jobId);
  return stage !== undefined && isStuck(stage) ? `${goal} (it is in ${stage}: requeue it)` : goal;
}
