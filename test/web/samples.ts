/** A job and its events as the API gives them, for the view models. Times are seconds after START. */
import type { EventBody, JobEvent } from '../../shared/contract/event.js';
import type { Assignment } from '../../shared/contract/explanation.js';
import type { Job, Stage } from '../../shared/contract/job.js';
import { ManifestSchema } from '../../shared/contract/manifest.js';
import type { FactorySummary } from '../../web/src/view/fleet.js';

export const START = Date.parse('2026-11-20T10:00:00.000Z');
export const at = (seconds: number): string => new Date(START + seconds * 1000).toISOString();

const NOTHING_USED = { wallSeconds: 0, tokens: 0, usd: 0, accuracy: 'exact' } as const;

export function sampleJob(changes: Partial<Job> = {}): Job {
  return {
    id: 'job',
    type: 'job',
    productId: 'sample',
    jobId: 'job-0123456789abcdef',
    title: 'Volume discount for large orders',
    manifest: ManifestSchema.parse({ engine: 'shell', body: 'true' }),
    contentHash: 'c0',
    engine: 'shell',
    requirements: ['engine:shell'],
    lane: 'engine:shell',
    stage: 'queued',
    submittedAt: at(0),
    submittedBy: { kind: 'operator', id: 'alice' },
    stageSince: at(0),
    epoch: 0,
    attempts: 0,
    usage: NOTHING_USED,
    events: 1,
    headHash: 'h1',
    ...changes,
  };
}

export const SAMPLE_CHANGE = {
  branch: 'aq/job-0123456789abcdef',
  commit: '8c51e57a0f32aaaa',
  baseCommit: '04471991b1ba',
  filesChanged: ['src/discount.js', 'README.md'],
  insertions: 16,
  deletions: 0,
};

export const sampleVerify = (passed: boolean) => ({
  command: 'node --test',
  passed,
  exitCode: passed ? 0 : 1,
  durationMs: 1500,
  tail: 'ok 1',
});

const DECISION: Assignment = {
  why: 'The only ready job that factory-1 can run now.',
  score: { total: 2, capabilityFit: 0.5, affinity: 0, load: 0.5, cost: 0.5, health: 0.5, starvation: 0 },
  considered: [],
  candidates: 1,
  seed: 's',
};

const FACTORY = { kind: 'factory', id: 'factory-1' } as const;
const PERSON = { kind: 'operator', id: 'alice' } as const;

/** What happened, as `[seconds, stage after it, what]`; the stage before is that of the row before. */
export type Row = readonly [seconds: number, stage: Stage, body: EventBody];

export function sampleEvents(rows: readonly Row[]): JobEvent[] {
  return rows.map(([seconds, stage, body], index) => {
    const before = rows[index - 1]?.[1];
    const byPerson =
      body.kind.startsWith('job.s') || body.kind.startsWith('ship.r') || body.kind === 'job.requeued';
    return {
      id: `event:${String(index + 1).padStart(8, '0')}`,
      type: 'event',
      productId: 'sample',
      jobId: 'job-0123456789abcdef',
      seq: index + 1,
      at: at(seconds),
      actor: byPerson ? PERSON : FACTORY,
      stage,
      ...(before && before !== stage && { from: before }),
      body,
      prevHash: '',
      hash: `h${index + 1}`,
    };
  });
}

const run = (epoch: number) => ({ epoch, factoryId: 'factory-1' });
export const submitted: EventBody = { kind: 'job.submitted', title: 'A', contentHash: 'c0' };
export const assigned = (epoch: number, kind: 'build' | 'land' = 'build'): EventBody => ({
  kind: 'job.assigned',
  ...run(epoch),
  run: kind,
  pool: 'any',
  decision: DECISION,
});
export const started = (epoch: number, kind: 'build' | 'land' = 'build'): EventBody => ({
  kind: 'run.started',
  ...run(epoch),
  run: kind,
});
export const finished = (epoch: number): EventBody => ({
  kind: 'run.finished',
  ...run(epoch),
  change: SAMPLE_CHANGE,
  usage: NOTHING_USED,
});
export const verified = (epoch: number, passed = true): EventBody => ({
  kind: 'run.verified',
  ...run(epoch),
  verify: sampleVerify(passed),
});
export const failed = (epoch: number, retrySeconds?: number): EventBody => ({
  kind: 'run.failed',
  ...run(epoch),
  reason: 'engine_failed',
  message: 'exit code 3',
  exitCode: 3,
  ...(retrySeconds !== undefined && { retryAt: at(retrySeconds) }),
});
export const lost = (epoch: number): EventBody => ({
  kind: 'run.lost',
  ...run(epoch),
  message: 'no renewal',
});
export const shipRequested: EventBody = { kind: 'ship.requested' };
export const shipLanded = (epoch: number): EventBody => ({
  kind: 'ship.landed',
  ...run(epoch),
  mergeCommit: '22a7b7c9e5370000',
  baseBranch: 'main',
});
export const shipRefused = (epoch: number): EventBody => ({
  kind: 'ship.refused',
  ...run(epoch),
  message: 'conflict in src/discount.js',
});
export const requeued: EventBody = { kind: 'job.requeued', reason: 'try again' };

/** Submitted, built, verified: waits in testing since second 8. */
export const TO_TESTING: readonly Row[] = [
  [0, 'queued', submitted],
  [2, 'assigned', assigned(1)],
  [3, 'building', started(1)],
  [6, 'review', finished(1)],
  [8, 'testing', verified(1)],
];

export function sampleFactory(changes: Partial<FactorySummary> = {}): FactorySummary {
  return {
    id: 'factory-1',
    status: 'online',
    pools: ['any', 'linux'],
    advertises: ['engine:shell', 'os:linux', 'node@20.20.2'],
    stations: 2,
    running: 0,
    lastSeenAt: at(0),
    ...changes,
  };
}
