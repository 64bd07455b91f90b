// A steady load: always so many jobs under way, submitted over HTTP as any client would, and shipped without hands.
import { PRODUCT, type System } from '../system.js';

/** Jobs that have ended do not come back. */
const FINAL = ['shipped', 'failed', 'dead_letter'];
const POLL_MS = 250;
/** A call that gets no answer is given up and made again (ms). */
const CALL_MS = 5000;
/** Each job works so long before it writes its file (s). */
const WORK_SECONDS = 0.3;

export interface Load {
  /** Acknowledged jobs, in the order of their submission. */
  readonly jobIds: readonly string[];
  /** Jobs that were seen in a final stage, with when (ms since 1970). */
  readonly ended: ReadonlyMap<string, { readonly stage: string; readonly at: number }>;
  /** Submits nothing more; resolves when every job has ended, or after `ms`. */
  drain(ms: number): Promise<void>;
  stop(): void;
}

/** Waits out an answer that does not come: a part may be paused for ever as far as we know. */
const inTime = <T>(call: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), CALL_MS);
  });
  return Promise.race([call, late]).finally(() => clearTimeout(timer));
};

export const manifestOf = (name: string): Record<string, unknown> => ({
  title: `Write ${name}.md`,
  engine: 'shell',
  'idempotency-key': name,
  'review-policy': 'auto',
  verify: 'true',
  retry: { max: 20, backoff: '1s' },
  body: `sleep ${WORK_SECONDS}\necho done > ${name}.md\n`,
});

/**
 * @param name distinguishes its jobs from those of another load
 * @param width jobs under way
 */
export function startLoad(system: System, name: string, width: number): Load {
  const jobIds: string[] = [];
  const ended = new Map<string, { stage: string; at: number }>();
  let submitting = 0;
  let stopped = false;
  let next = 1;

  /** The key makes it safe to ask again after an answer that got lost. */
  const submit = async (): Promise<void> => {
    submitting += 1;
    const manifest = manifestOf(`${name}-${next++}`);
    while (!stopped) {
      try {
        const call = system.api('POST', 'jobs', { productId: PRODUCT, manifest });
        const { job } = (await inTime(call)) as { job: { jobId: string } };
        jobIds.push(job.jobId);
        break;
      } catch {
        await pause();
      }
    }
    submitting -= 1;
  };
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, POLL_MS));

  const look = async (): Promise<void> => {
    const { jobs } = (await inTime(system.api('GET', 'jobs?limit=500'))) as {
      jobs: { jobId: string; stage: string }[];
    };
    const mine = new Set(jobIds);
    for (const { jobId, stage } of jobs)
      if (mine.has(jobId) && FINAL.includes(stage) && !ended.has(jobId))
        ended.set(jobId, { stage, at: Date.now() });
  };
  let draining = false;
  void (async () => {
    while (!stopped) {
      await look().catch(() => undefined);
      const open = jobIds.length + submitting - ended.size;
      if (!draining) for (let more = open; more < width; more += 1) void submit();
      await pause();
    }
  })();
  return {
    jobIds,
    ended,
    async drain(ms) {
      draining = true;
      const deadline = Date.now() + ms;
      while (Date.now() < deadline && (submitting > 0 || ended.size < jobIds.length)) await pause();
    },
    stop() {
      stopped = true;
    },
  };
}
