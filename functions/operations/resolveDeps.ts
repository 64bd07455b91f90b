import { JobIdSchema, type Dep } from '../../shared/contract/job.js';
import type { Problem } from '../../shared/errors.js';
import { openDeps, parseDep } from '../../shared/rules/dag.js';
import type { Deps } from './deps.js';
import { readStages } from './jobStages.js';
import { jobIdOf } from '../../shared/jobId.js';
import type { JobRef } from './jobStore.js';

/**
 * Finds the jobs that a new job's manifest names. They must be there already, and a job never changes what it waits
 * for: so the only cycle that can be asked for is a job that waits for itself.
 * @param problems told here: every name that is no job of the product, or closes a cycle
 */
export async function resolveDeps(
  deps: Deps,
  { productId, jobId }: JobRef,
  asked: readonly string[],
  problems: Problem[],
): Promise<{ deps: Dep[]; waitsFor: string[] }> {
  if (asked.length === 0) return { deps: [], waitsFor: [] };
  const named = asked.map((text) => {
    const { ref, until } = parseDep(text);
    const isId = JobIdSchema.safeParse(ref).success;
    return { text, dep: { jobId: isId ? ref : jobIdOf(productId, ref), until } };
  });
  const stages = await readStages(
    deps,
    productId,
    named.map(({ dep }) => dep.jobId),
  );
  for (const [at, { text, dep }] of named.entries()) {
    const path = `deps.${at}`;
    const expected = 'the id or the idempotency key of a job that was submitted before';
    if (dep.jobId === jobId)
      problems.push({ path, message: `a cycle: ${jobId} → ${jobId}`, expected: 'another job' });
    else if (!stages.has(dep.jobId))
      problems.push({ path, message: `${productId} has no job ${text}`, expected });
  }
  // Named twice, the stricter one counts.
  const found = new Map<string, Dep>();
  for (const { dep } of named) if (found.get(dep.jobId)?.until !== 'shipped') found.set(dep.jobId, dep);
  const list = [...found.values()];
  return { deps: list, waitsFor: openDeps(list, stages).map((dep) => dep.jobId) };
}
