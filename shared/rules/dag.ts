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

/**
 * The circle that a job would close by what it waits for: from it over the others back to it, itself first and last.
 * @param others jobs by whose `deps` the way goes on; there is no circle among them
 */
export function cycleThrough(
  job: Pick<Job, 'jobId' | 'deps'>,
  others: readonly Pick<Job, 'jobId' | 'deps'>[],
): string[] | undefined {
  const byId = new Map(others.map((one) => [one.jobId, one]));
  // Who waited for each, on the first way that was found to it.
  const from = new Map<string, string>();
  const open = [job];
  for (const one of open)
    for (const { jobId } of one.deps ?? []) {
      if (from.has(jobId)) continue;
      from.set(jobId, one.jobId);
      if (jobId === job.jobId) return backTo(job.jobId, from);
      const next = byId.get(jobId);
      if (next) open.push(next);
    }
  return undefined;
}

function backTo(start: string, from: ReadonlyMap<string, string>): string[] {
  const circle = [start];
  for (let at = from.get(start); at !== undefined && at !== start; at = from.get(at)) circle.unshift(at);
  return [start, ...circle];
}

/** A job as a part of the graph. */
export type DagJob = Pick<Job, 'jobId' | 'title' | 'stage' | 'failure' | 'deps' | 'parent'>;

/** What each job waits for: its dependencies, and a composite its children. */
export function edgesOf(jobs: readonly DagJob[]): { from: string; to: string; until: Dep['until'] }[] {
  const children = jobs.flatMap(({ jobId, parent }) =>
    parent === undefined ? [] : [{ from: jobId, to: parent, until: 'shipped' as const }],
  );
  return [
    ...jobs.flatMap(({ jobId, deps = [] }) =>
      deps.map((dep) => ({ from: dep.jobId, to: jobId, until: dep.until })),
    ),
    ...children,
  ];
}

/**
 * The jobs that hang together with one job over any number of dependencies and families, in an order in which each
 * comes after all that it waits for. Linear in jobs and dependencies.
 */
export function connectedJobs<T extends DagJob>(start: string, jobs: readonly T[]): T[] {
  const byId = new Map(jobs.map((job) => [job.jobId, job]));
  const edges = edgesOf(jobs);
  const next = grouped(edges.flatMap(({ from, to }) => [[from, to] as const, [to, from] as const]));
  const found = new Set<string>([start]);
  // A set is walked in the order of insertion, and what is added while walking comes too.
  for (const jobId of found) for (const other of next.get(jobId) ?? []) found.add(other);
  return inOrder(
    [...found].flatMap((jobId) => byId.get(jobId) ?? []),
    edges,
  );
}

function grouped(pairs: readonly (readonly [string, string])[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const [key, value] of pairs) {
    const known = groups.get(key);
    if (known) known.push(value);
    else groups.set(key, [value]);
  }
  return groups;
}

function inOrder<T extends DagJob>(jobs: readonly T[], edges: readonly { from: string; to: string }[]): T[] {
  const byId = new Map(jobs.map((job) => [job.jobId, job]));
  const among = edges.filter(({ from, to }) => byId.has(from) && byId.has(to));
  const dependents = grouped(among.map(({ from, to }) => [from, to]));
  const open = new Map<string, number>(jobs.map(({ jobId }) => [jobId, 0]));
  for (const { to } of among) open.set(to, (open.get(to) ?? 0) + 1);
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
