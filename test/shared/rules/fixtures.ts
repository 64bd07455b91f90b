/** Small builders: a test names what it is about, the rest is ordinary. */
import { expect } from 'vitest';
import type { RunReport } from '../../../shared/contract/api.js';
import type { Factory, ReadyEntry } from '../../../shared/contract/fleet.js';
import { JobSchema, RunSchema } from '../../../shared/contract/job.js';
import type { Actor, Change, Job, Run, RunKind, Usage } from '../../../shared/contract/job.js';
import { ManifestSchema } from '../../../shared/contract/manifest.js';
import type { Manifest, ManifestInput } from '../../../shared/contract/manifest.js';
import type { Assignment } from '../../../shared/contract/explanation.js';
import type { PoolSpec } from '../../../shared/topology.js';
import { decide, newJob } from '../../../shared/rules/lifecycle.js';
import type { Accepted, Command } from '../../../shared/rules/lifecycle.js';
import { laneOf } from '../../../shared/rules/lanes.js';
import { orderKey, priorityRank } from '../../../shared/rules/priority.js';
import type { FactoryView, SchedulingContext } from '../../../shared/rules/scheduler.js';

export const NOW = '2026-11-21T12:00:00.000Z';
export const OPERATOR: Actor = { kind: 'operator', id: 'ada' };
export const FACTORY: Actor = { kind: 'factory', id: 'linux-1' };
export const REAPER: Actor = { kind: 'system', id: 'reaper' };

/** ISO time some seconds after NOW (before it for negative ones). */
export const at = (seconds: number): string => new Date(Date.parse(NOW) + seconds * 1000).toISOString();

export const jobId = (n: number): string => `job-${String(n).padStart(16, '0')}`;

export const manifest = (fields: Partial<ManifestInput> = {}): Manifest =>
  ManifestSchema.parse({ engine: 'shell', verify: 'npm test', body: 'echo hello', ...fields });

export const job = (fields: Partial<ManifestInput> = {}, n = 1): Job =>
  newJob({
    manifest: manifest(fields),
    productId: 'acme',
    jobId: jobId(n),
    contentHash: 'hash',
    actor: OPERATOR,
    now: NOW,
  }).job;

export const DECISION: Assignment = {
  why: 'The only ready job.',
  score: {
    total: 1,
    capabilityFit: 0,
    affinity: 0,
    load: 0.5,
    cost: 0.5,
    health: 0,
    starvation: 0,
  },
  considered: [],
  candidates: 1,
  seed: 's',
};
export const CHANGE: Change = {
  branch: 'aq/job-1',
  commit: 'c0ffee',
  baseCommit: 'ba5e',
  filesChanged: ['src/a.js'],
  insertions: 3,
  deletions: 1,
};
export const USAGE: Usage = { wallSeconds: 12, tokens: 1000, usd: 0.25, accuracy: 'exact' };

export const REPORTS = {
  started: { kind: 'started', engineVersion: '5.2' },
  finished: { kind: 'finished', change: CHANGE, usage: USAGE },
  passed: {
    kind: 'verified',
    verify: { command: 'npm test', passed: true, exitCode: 0, durationMs: 5, tail: 'ok' },
  },
  broken: {
    kind: 'verified',
    verify: { command: 'npm test', passed: false, exitCode: 1, durationMs: 5, tail: 'no' },
  },
  failed: { kind: 'failed', reason: 'engine_failed', message: 'exit 3', exitCode: 3, usage: USAGE },
  conflict: { kind: 'failed', reason: 'merge_conflict', message: 'src/a.js', exitCode: null },
  checkpointed: {
    kind: 'checkpointed',
    checkpoint: { ref: `refs/aq/checkpoint/${jobId(1)}/1`, commit: 'd00d', baseCommit: 'babe' },
  },
  released: { kind: 'released', message: 'draining' },
  landed: { kind: 'landed', mergeCommit: 'feed', baseBranch: 'main' },
} as const satisfies Record<string, RunReport>;

export const claim = (run: RunKind, factoryId = 'linux-1'): Command => ({
  kind: 'claim',
  actor: { kind: 'factory', id: factoryId },
  run,
  factoryId,
  pool: 'linux',
  engine: 'shell',
  decision: DECISION,
});
export const INTENT = { hash: 'plan', after: 0, count: 2, onFailure: 'continue', usd: 0, tokens: 0 } as const;
export const report = (epoch: number, told: RunReport, factoryId = 'linux-1'): Command => ({
  kind: 'report',
  actor: { kind: 'factory', id: factoryId },
  epoch,
  factoryId,
  report: told,
  ...(told.kind === 'planned' && { intent: INTENT }),
});
export const ship: Command = { kind: 'ship', actor: OPERATOR };
export const cancel: Command = { kind: 'cancel', actor: OPERATOR, reason: 'not needed' };
export const requeue: Command = { kind: 'requeue', actor: OPERATOR, reason: 'once more' };
export const PLANNED: RunReport = {
  kind: 'planned',
  plan: { 'on-failure': 'continue', children: [] },
  usage: USAGE,
};
const FAMILY: Actor = { kind: 'system', id: 'composite' };
export const adopt: Command = { kind: 'adopt', actor: OPERATOR, intent: INTENT };
export const settle = (...failed: string[]): Command => ({
  kind: 'settle',
  actor: FAMILY,
  shipped: 2 - failed.length,
  failed,
});
export const unblock: Command = { kind: 'unblock', actor: { kind: 'system', id: 'deps' } };
export const REVIEWER: Actor = { kind: 'operator', id: 'bob' };
export const approve: Command = { kind: 'approve', actor: REVIEWER };
export const reject: Command = { kind: 'reject', actor: REVIEWER, reason: 'not like this' };
export const promote: Command = { kind: 'promote', actor: REVIEWER };
export const override: Command = {
  kind: 'override',
  actor: { kind: 'operator', id: 'root' },
  reason: 'the licence header was asked for',
};
export const hold: Command = { kind: 'hold', actor: OPERATOR, reason: 'after the release' };
export const pause: Command = { kind: 'pause', actor: OPERATOR, reason: 'the machine is needed' };
export const resume: Command = { kind: 'resume', actor: OPERATOR };
export const lose = (epoch: number): Command => ({
  kind: 'lose',
  actor: REAPER,
  epoch,
  message: 'silent for 30 s',
});

/** A job with the run that holds it or held it last. */
export interface State {
  job: Job;
  run: Run | undefined;
}

/** Carries out a command that must be accepted; what comes out fits the contract. */
export function accept(state: State, command: Command, now = NOW): Accepted & State {
  const decision = decide(state.job, state.run, command, now);
  if (decision.kind === 'rejected') expect.fail(decision.message);
  expect(JobSchema.parse(decision.job)).toEqual(decision.job);
  const run = decision.run ?? state.run;
  if (run !== undefined) expect(RunSchema.parse(run)).toEqual(run);
  return { ...decision, run } as Accepted & State;
}

/** A state after several commands; `report`s are told at the job's own epoch. */
export const after = (start: Job, ...steps: (Command | RunReport)[]): State =>
  steps.reduce<State>(
    (state, step) => accept(state, isCommand(step) ? step : report(state.job.epoch, step)),
    { job: start, run: undefined },
  );

const isCommand = (step: Command | RunReport): step is Command => 'actor' in step;

export const entry = (n: number, fields: Partial<ReadyEntry> = {}): ReadyEntry => {
  const priority = fields.priority ?? 'medium';
  const requirements = fields.requirements ?? ['engine:shell'];
  return {
    id: jobId(n),
    type: 'ready',
    pool: 'any',
    productId: 'acme',
    lane: laneOf(requirements),
    run: 'build',
    prefers: [],
    submittedAt: NOW,
    readySince: NOW,
    epoch: 0,
    jobEvents: 1,
    ...fields,
    requirements,
    priority,
    priorityRank: priorityRank(priority),
    orderKey: orderKey(priorityRank(priority), Date.parse(fields.submittedAt ?? NOW)),
  };
};

export const factory = (fields: Partial<FactoryView> = {}): FactoryView => ({
  id: 'linux-1',
  advertises: ['os:linux', 'engine:shell', 'node@20.20.2', 'git@2.43.0'],
  stations: 4,
  running: 0,
  warm: [],
  products: ['*'],
  pools: ['any', 'linux', 'node'],
  costClass: 1,
  ...fields,
});

export const factoryDocument = (fields: Partial<Factory> = {}): Factory => {
  const { id, advertises, stations, running } = factory();
  return {
    id,
    type: 'factory',
    productId: 'fleet',
    name: id,
    advertises: [...advertises],
    stations,
    running,
    warm: [],
    products: ['*'],
    pools: ['any', 'linux', 'node'],
    agentVersion: '0.1.0',
    status: 'online',
    enrolledAt: NOW,
    lastSeenAt: NOW,
    tokens: [],
    ...fields,
  };
};

export const context = (fields: Partial<SchedulingContext> = {}): SchedulingContext => ({
  locks: new Map(),
  pausedProducts: new Map(),
  shareByProduct: new Map(),
  ...fields,
});

export const POOLS: readonly PoolSpec[] = [
  { name: 'any', capabilities: ['engine:shell'], costClass: 1 },
  { name: 'linux', capabilities: ['engine:shell', 'os:linux'], costClass: 1 },
  { name: 'mac', capabilities: ['engine:shell', 'os:mac'], costClass: 3 },
  { name: 'node', capabilities: ['engine:shell', 'node>=20'], costClass: 1 },
  { name: 'claude', capabilities: ['engine:shell', 'engine:claude'], costClass: 2 },
];
