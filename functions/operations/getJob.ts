import type { JobDetail } from '../../shared/contract/api.js';
import type { Rollup } from '../../shared/contract/children.js';
import type { Job } from '../../shared/contract/job.js';
import { ROUTES } from '../../shared/contract/routes.js';
import { legalCommands } from '../../shared/rules/lifecycle.js';
import { whyNotDirectly } from '../../shared/rules/gates.js';
import { isStuck } from '../../shared/rules/dag.js';
import { rollupOf } from '../../shared/rules/composite.js';
import { slaOf } from '../../shared/rules/sla.js';
import { JOBS } from '../../shared/topology.js';
import { LOGS, logName } from './appendLog.js';
import { actorOf, hasRole, type Caller } from './caller.js';
import type { Deps } from './deps.js';
import { locateJob, noSuchJob, readHistory, type History } from './jobStore.js';

/** The detail with the documents as they are stored; at the boundary they become views. */
export type StoredDetail = Omit<JobDetail, keyof History> & History;

/**
 * One job with all that happened to it: one query of one partition.
 * @throws AppError not-found, also for a job that the caller may not see
 */
export async function getJob(
  deps: Deps,
  caller: Caller,
  { params }: { params: { jobId: string } },
): Promise<StoredDetail> {
  const ref = await locateJob(deps, params.jobId);
  if (!hasRole(caller, 'viewer', ref.productId)) throw noSuchJob(params.jobId);
  const history = await readHistory(deps, ref);
  const actor = caller.kind === 'operator' ? actorOf(caller) : undefined;
  const legal = legalCommands(history.job, actor).filter((command) =>
    ROUTES[`${command}Job`].access.some((role) => hasRole(caller, role, ref.productId)),
  );
  const sla = slaOf(history.job, deps.clock.now());
  const rollup = (history.job.children?.count ?? 0) > 0 ? await readRollup(deps, history.job) : undefined;
  const notPushedDirectly = whyNotDirectly(history.job, history.runs.at(-1));
  const lastLog = isStuck(history.job.stage) ? await readLastLog(deps, history.job) : undefined;
  return {
    ...history,
    legal,
    ...(notPushedDirectly !== undefined && { notPushedDirectly }),
    ...(sla && { sla }),
    ...(rollup && { rollup }),
    ...(lastLog && { lastLog }),
  };
}

async function readRollup(deps: Deps, job: Job): Promise<Rollup> {
  const below = await deps.documents.select<Pick<Job, 'stage' | 'failure' | 'usage'> & { passed?: boolean }>(
    JOBS,
    {
      text: `SELECT c.stage, c.failure, c.usage, c.verify.passed FROM c
           WHERE c.productId = @productId AND c.type = 'job' AND ARRAY_CONTAINS(c.ancestors, @jobId)`,
      parameters: { productId: job.productId, jobId: job.jobId },
    },
  );
  return rollupOf(job, below);
}

/** What a person reads first of a run that went wrong; in bytes. */
const TAIL_BYTES = 4096;

/** Blob storage that is away takes nothing from the rest of the answer. */
async function readLastLog(deps: Deps, job: Job): Promise<JobDetail['lastLog']> {
  if (job.epoch === 0) return undefined;
  const name = logName(job, job.epoch);
  try {
    const log = await deps.blobs.log(LOGS, name);
    if (!log || log.length === 0) return undefined;
    const from = Math.max(0, log.length - TAIL_BYTES);
    const bytes = await deps.blobs.read(LOGS, name, from, log.length - from);
    // A tail begins in the middle of a line, or of a character.
    const text = new TextDecoder().decode(bytes);
    return { epoch: job.epoch, text: from === 0 ? text : text.slice(text.indexOf('\n') + 1) };
  } catch (error) {
    deps.log('warn', 'the end of a log could not be read', { name, error: String(error) });
    return undefined;
  }
}
