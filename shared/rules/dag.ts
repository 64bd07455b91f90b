/** Jobs that wait for other jobs of their product. */
import type { Dep, Job, Stage } from '../contract/job.js';

const SUFFIX = /@(testing|shipped)$/;

/** A dependency as people write it: a job id or an idempotency key, with `@testing` where tested is enough. */
export function parseDep(text: string): { ref: string; until: Dep['until'] } {
  const until = SUFFIX.exec(text)?.[1] === 'testing' ? 'testing' : 'shipped';
  return { ref: text.replace(SUFFIX, ''), until };
}

/** Is a job in that stage as far as the dependency asks? */
export const isReached = (stage: Stage, until: Dep['until']): boolean =>
  stage === 'shipped' || (stage === 'testing' && until === 'testing');

/** Will it get no further unless a person runs it again? */
export const isStuck = (stage: Stage): boolean => stage === 'failed' || stage === 'dead_letter';

/** The dependencies that are not so far yet; one that is not there any more counts among them. */
export const openDeps = (deps: readonly Dep[], stages: ReadonlyMap<string, Stage>): Dep[] =>
  deps.filter(({ jobId, until }) => {
    const stage = stages.get(jobId);
    return stage === undefined || !isReached(stage, until);
  });

/** A job as a part of the graph. */
export type DagJob = Pick<Job, 'jobId' | 'title' | 'stage' | 'deps'>;

/**
 * The jobs that hang together with one job over any number of dependencies, in an order in which each comes after
 * all that it waits for. Linear in jobs and dependencies.
 */
export function connectedJobs<T extends DagJob>(start: string, jobs: readonly T[]): T[] {
  const byId = new Map(jobs.map((job) => [job.jobId, job]));
  const dependents = new Map<string, string[]>();
  for (const { jobId, deps = [] } of jobs)
    for (const dep of deps) dependents.set(dep.jobId, [...(dependents.get(dep.jobId) ?? []), jobId]);
  const found = new Set<string>([start]);
  // A set is walked in the order of insertion, and what is added while walking comes too.
  for (const jobId of found) {
    for (const dep of byId.get(jobId)?.deps ?? []) found.add(dep.jobId);
    for (const dependent of dependents.get(jobId) ?? []) found.add(dependent);
  }
  return inOrder(
    [...found].flatMap((jobId) => byId.get(jobId) ?? []),
    dependents,
  );
}

function inOrder<T extends DagJob>(jobs: readonly T[], dependents: ReadonlyMap<string, string[]>): T[] {
  const byId = new Map(jobs.map((job) => [job.jobId, job]));
  const open = new Map(
    jobs.map(({ jobId, deps = [] }) => [jobId, deps.filter((dep) => byId.has(dep.jobId)).length]),
  );
  const ready = new Set(jobs.filter(({ jobId }) => open.get(jobId) === 0));
  for (const job of ready) {
    for (const dependent of dependents.get(job.jobId) ?? []) {
      const left = (open.get(dependent) ?? 0) - 1;
      open.set(dependent, left);
      const next = byId.get(dependent);
      if (left === 0 && next !== undefined) ready.add(next);
    }
  }
  return [...ready];
}
