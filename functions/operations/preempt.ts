import { isCloudError } from '../../shared/cloud/errors.js';
import type { Lease, ReadyEntry } from '../../shared/contract/fleet.js';
import { factoryView } from '../../shared/rules/explain.js';
import { after } from '../../shared/rules/leases.js';
import {
  PREEMPT_AFTER_SECONDS,
  selectWithPreemption,
  type RunningJob,
} from '../../shared/rules/preemption.js';
import { priorityRank } from '../../shared/rules/priority.js';
import { LEASES, POOLS, READY } from '../../shared/topology.js';
import type { Deps } from './deps.js';
import { sendTicket } from './dispatchJob.js';
import { evict } from './evict.js';
import { readJob, readRun } from './jobStore.js';
import { readFactories } from './listFactories.js';
import { schedulingContext } from './schedulingContext.js';

/** Critical jobs of one look; the next look goes on. */
const MAX_ENTRIES = 10;
/** Longer than any job runs in practice: within it a job does not make room twice in a row. */
const RECORD_SECONDS = 7 * 86_400;

/** That a job made room for another one: at most one job for each time that a critical one becomes ready. */
interface PreemptionRecord {
  readonly id: string;
  readonly type: 'preemption';
  readonly victim: string;
  /** The victim's epoch that was cut short. */
  readonly epoch: number;
  readonly ttl: number;
}

/**
 * Lets critical jobs that no station is free for take one from less urgent work. Does nothing unless the setting
 * PREEMPTION is on. The victim goes back to where it waits, fenced; its factory learns so with its next renewal.
 * @returns how many runs were cut short
 */
export async function preempt(deps: Deps): Promise<number> {
  if (!deps.settings.preemption) return 0;
  const now = deps.clock.now();
  const entries = await deps.documents.select<ReadyEntry>(READY, {
    text: `SELECT TOP ${MAX_ENTRIES} * FROM c WHERE c.priorityRank = 0 AND c.readySince <= @before
           AND (NOT IS_DEFINED(c.notBefore) OR c.notBefore <= @now)`,
    parameters: { before: after(now, -PREEMPT_AFTER_SECONDS), now },
  });
  if (entries.length === 0) return 0;
  const [factories, records, leases] = await Promise.all([
    readFactories(deps),
    deps.documents.select<PreemptionRecord>(LEASES, {
      text: `SELECT c.id, c.victim, c.epoch FROM c WHERE c.type = 'preemption'`,
    }),
    deps.documents.select<Lease>(LEASES, { text: `SELECT * FROM c WHERE c.type = 'lease'` }),
  ]);
  const online = factories.filter(({ status }) => status === 'online').map((one) => factoryView(one, POOLS));
  let running = (await Promise.all(leases.map((lease) => runningJob(deps, lease, records)))).flat();
  const context = await schedulingContext(deps, entries);
  let cut = 0;
  for (const entry of entries) {
    if (records.some(({ id }) => id === recordId(entry))) continue;
    const choice = selectWithPreemption(entry, running, online, context, Date.parse(now));
    if (choice.kind === 'refused') continue;
    const { victim, why } = choice;
    running = running.filter(({ jobId }) => jobId !== victim.jobId);
    const lease = leases.find(({ jobId }) => jobId === victim.jobId);
    if (lease && (await cutShort(deps, entry, lease, why))) cut += 1;
  }
  return cut;
}

const recordId = (entry: Pick<ReadyEntry, 'id' | 'epoch'>): string => `preemption:${entry.id}:${entry.epoch}`;

async function runningJob(
  deps: Deps,
  lease: Lease,
  records: readonly PreemptionRecord[],
): Promise<RunningJob[]> {
  const [{ document: job }, run] = await Promise.all([
    readJob(deps, lease),
    readRun(deps, lease, lease.epoch),
  ]);
  if (job.epoch !== lease.epoch || job.holder !== lease.holder || !run) return [];
  const { jobId, epoch } = lease;
  return [
    {
      jobId,
      factoryId: lease.holder,
      epoch,
      priorityRank: priorityRank(job.manifest.priority),
      kind: run.kind,
      startedAt: Date.parse(run.startedAt),
      madeRoom: records.some((record) => record.victim === jobId && record.epoch === epoch - 1),
    },
  ];
}

/** The record first: two control planes at the same moment take one job, not two. */
async function cutShort(deps: Deps, entry: ReadyEntry, lease: Lease, why: string): Promise<boolean> {
  const { jobId: victim, epoch } = lease;
  const record: PreemptionRecord = {
    id: recordId(entry),
    type: 'preemption',
    victim,
    epoch,
    ttl: RECORD_SECONDS,
  };
  try {
    await deps.documents.create(LEASES, record);
  } catch (error) {
    if (isCloudError(error, 'exists')) return false;
    throw error;
  }
  if (!(await evict(deps, lease, why))) return false;
  await sendTicket(deps, { ...entry, jobId: entry.id }, `preempt-${Date.parse(deps.clock.now())}`);
  deps.log('warn', 'a run was cut short for critical work', { victim, epoch, for: entry.id });
  return true;
}
