/** What goes into a decision about a job and what comes out of it: plain data, acted on by an operation. */
import type { RunReport } from '../contract/api.js';
import type { PlanIntent } from '../contract/children.js';
import type { EventBody } from '../contract/event.js';
import type { Assignment } from '../contract/explanation.js';
import type { Actor, Job, Run, RunKind, Stage } from '../contract/job.js';
import type { Engine } from '../contract/manifest.js';
import type { ProfileSnapshot } from '../contract/profile.js';

export type Command =
  | {
      kind: 'claim';
      actor: Actor;
      run: RunKind;
      factoryId: string;
      pool: string;
      engine: Engine;
      decision: Assignment;
      /** The profile that the run is done with. */
      profile?: ProfileSnapshot | undefined;
      /** Profile and product let its change go to the base branch. */
      direct?: boolean;
    }
  | {
      kind: 'report';
      actor: Actor;
      epoch: number;
      factoryId: string;
      report: RunReport;
      /** With `planned`: the plan as it was stored. */
      intent?: PlanIntent | undefined;
    }
  /** The reaper: the holder of this epoch was silent for too long. */
  | { kind: 'lose'; actor: Actor; epoch: number; message: string }
  /** Its profile asks for other factories than it did when the job was routed. */
  | {
      kind: 'reroute';
      actor: Actor;
      profile: ProfileSnapshot;
      engine: Engine | undefined;
      requirements: string[];
    }
  /** All that the job waits for is there. */
  | { kind: 'unblock'; actor: Actor }
  /** A plan's children were stored; from now on they come into being. */
  | { kind: 'adopt'; actor: Actor; intent: PlanIntent }
  /** All children of the composite have ended. */
  | { kind: 'settle'; actor: Actor; shipped: number; failed: string[] }
  /** The clock: it has stayed in its phase for too long. */
  | { kind: 'breach'; actor: Actor }
  | { kind: 'ship'; actor: Actor }
  /** `review`: a job whose profile reviewed that commit, where somebody looked for one. */
  | { kind: 'approve'; actor: Actor; review?: { jobId: string; commit: string } | undefined }
  | { kind: 'reject'; actor: Actor; reason: string }
  | { kind: 'promote'; actor: Actor }
  | { kind: 'override'; actor: Actor; reason: string }
  | { kind: 'hold'; actor: Actor; reason: string }
  | { kind: 'pause'; actor: Actor; reason: string }
  | { kind: 'resume'; actor: Actor }
  | { kind: 'cancel'; actor: Actor; reason: string }
  | { kind: 'requeue'; actor: Actor; reason: string };
export type CommandOf<K extends Command['kind']> = Extract<Command, { kind: K }>;

/** An event before the operation gives it a sequence and seals it into the hash chain. */
export interface EventDraft {
  body: EventBody;
  actor: Actor;
  at: string;
  /** The stage after the event, and before it where it changed. */
  stage: Stage;
  from?: Stage;
}

export interface Accepted {
  kind: 'accepted';
  job: Job;
  /** The run that was created or changed. */
  run?: Run;
  /** Empty when the command had been carried out before: nothing needs to be written. */
  events: EventDraft[];
}
export interface Rejected {
  kind: 'rejected';
  code: 'illegal-transition' | 'stale-epoch';
  message: string;
  /** What would be legal now, for the same kind of caller. */
  legal: string[];
}
export type Decision = Accepted | Rejected;

/** A copy without some optional properties. */
export function omit<T extends object, K extends keyof T>(value: T, ...keys: K[]): Omit<T, K> {
  const copy = { ...value };
  for (const key of keys) delete copy[key];
  return copy;
}

/** The job in a stage; `stageSince` moves only when the stage does. */
export const enter = (job: Job, stage: Stage, now: string): Job =>
  job.stage === stage ? job : { ...job, stage, stageSince: now };

/** An event that led from one state of a job to another. */
export const draft = (body: EventBody, actor: Actor, now: string, before: Job, after: Job): EventDraft => ({
  body,
  actor,
  at: now,
  stage: after.stage,
  ...(before.stage !== after.stage && { from: before.stage }),
});
