/** One sentence for each event of a job. */
import type { JobEvent } from '../../../shared/contract/event.js';
import type { Actor, FailureReason } from '../../../shared/contract/job.js';
import { assertExhaustive } from '../../../shared/errors.js';

export type Tone = 'neutral' | 'progress' | 'good' | 'bad' | 'person';

export interface EventText {
  readonly text: string;
  readonly tone: Tone;
  /** What the factory or the person said, in their words. */
  readonly note?: string;
}

/** Why a run ended, as the end of a sentence: "failed: …". */
export const FAILURE_TEXT: Readonly<Record<FailureReason, string>> = {
  timeout: 'it ran out of time',
  verify_failed: 'the verify command failed',
  engine_failed: 'the engine ended with an error',
  lost: 'the factory was lost',
  preflight: 'the check before the run found a problem',
  refused: 'the job was refused',
  no_change: 'it changed nothing',
  budget: 'its budget is used up',
  merge_conflict: 'it conflicts with the base branch',
  cancelled: 'it was cancelled',
  rejected: 'a reviewer turned it down',
  children: 'children of it did not ship',
};

const shortCommit = (commit: string): string => commit.slice(0, 8);
const files = (count: number): string => `${count} ${count === 1 ? 'file' : 'files'}`;

/** Says what happened, who is named beside it. */
export function eventText({ body }: Pick<JobEvent, 'body'>): EventText {
  switch (body.kind) {
    case 'job.submitted':
      return { text: 'Submitted', tone: 'person' };
    case 'job.assigned':
      return {
        text: `${body.run === 'land' ? 'Merge assigned' : 'Assigned'} to ${body.factoryId}`,
        tone: 'progress',
        note: body.decision.why,
      };
    case 'run.started':
      return {
        text: body.run === 'land' ? 'Merge started' : 'Engine started',
        tone: 'progress',
        ...(body.engineVersion && { note: body.engineVersion }),
      };
    case 'run.checkpointed':
      return { text: `Kept its work so far as ${shortCommit(body.checkpoint.commit)}`, tone: 'progress' };
    case 'run.finished':
      return {
        text: `Changed ${files(body.change.filesChanged.length)}, pushed ${shortCommit(body.change.commit)}`,
        tone: 'progress',
      };
    case 'run.verified':
      return body.verify.passed
        ? { text: 'Verify passed', tone: 'good', note: body.verify.command }
        : { text: 'Verify failed', tone: 'bad', note: body.verify.command };
    case 'run.failed':
      return {
        text: `Run failed: ${FAILURE_TEXT[body.reason]}${body.retryAt ? '; will be tried again' : ''}`,
        tone: 'bad',
        note: body.message,
      };
    case 'run.released':
      return { text: `Given back by ${body.factoryId}`, tone: 'neutral', note: body.message };
    case 'run.lost':
      return {
        text: `Lost with ${body.factoryId}${body.retryAt ? '; will be tried again' : ''}`,
        tone: 'bad',
        note: body.message,
      };
    case 'ship.requested':
      return { text: 'Ship requested', tone: 'person' };
    case 'ship.landed':
      return { text: `Merged into ${body.baseBranch} as ${shortCommit(body.mergeCommit)}`, tone: 'good' };
    case 'ship.refused':
      return { text: 'Not merged', tone: 'bad', note: body.message };
    case 'job.requeued':
      return { text: 'Requeued', tone: 'person', note: body.reason };
    case 'job.cancelled':
      return { text: 'Cancelled', tone: 'person', note: body.reason };
    case 'job.rerouted':
      return {
        text: `Its profile ${body.profile} changed while it waited`,
        tone: 'neutral',
        note: `requires ${body.requirements.join(', ')}`,
      };
    case 'deps.met':
      return { text: 'Its dependencies are met', tone: 'progress' };
    case 'run.planned':
      return { text: `Planned ${body.count} ${body.count === 1 ? 'child' : 'children'}`, tone: 'progress' };
    case 'children.requested':
      return {
        text: `Split into ${body.count} ${body.count === 1 ? 'child' : 'children'}`,
        tone: 'progress',
        ...(body.onFailure === 'fail-fast' && { note: 'The first failure stops the others.' }),
      };
    case 'children.ended':
      return body.failed.length === 0
        ? { text: `All ${body.shipped} children shipped`, tone: 'good' }
        : { text: `${body.failed.length} children did not ship`, tone: 'bad', note: body.failed.join(', ') };
    case 'gate.approved':
      return {
        text: body.open === 0 ? 'Approved' : `Approved; ${body.open} more needed`,
        tone: 'person',
        ...(body.review !== undefined && { note: `The profile reviewer read it in ${body.review}.` }),
      };
    case 'gate.rejected':
      return { text: 'Rejected', tone: 'bad', note: body.reason };
    case 'gate.promoted':
      return { text: 'Promoted to testing', tone: 'person' };
    case 'gate.overridden':
      return { text: 'May ship although it left its scope', tone: 'person', note: body.reason };
    case 'job.held':
      return { text: body.paused ? 'Paused' : 'Put on hold', tone: 'person', note: body.reason };
    case 'job.resumed':
      return { text: 'Resumed', tone: 'person' };
    case 'sla.breached':
      return {
        text: `Late: ${LATE_FOR[body.phase]}`,
        tone: 'bad',
        note: `Due ${body.dueAt.slice(0, 16).replace('T', ' ')} UTC at priority ${body.priority}.`,
      };
    case 'job.handed-over':
      return {
        text: HANDED_OVER[body.outcome],
        tone: body.outcome === 'kept' ? 'bad' : 'progress',
        note: `Offline it went to ${body.offline.stage}${body.offline.commit === undefined ? '' : `, commit ${body.offline.commit.slice(0, 10)}`}.`,
      };
    default:
      return assertExhaustive(body);
  }
}

const LATE_FOR = {
  start: 'no factory has taken it',
  run: 'its run has not ended',
  decide: 'nobody has decided on it',
} as const;

const HANDED_OVER = {
  taken: 'Brought from a folder',
  merged: 'What a factory did of it offline counts',
  kept: 'What a factory did of it offline does not count',
} as const;

/** Who did it, in a few characters. */
export function actorName(actor: Actor): string {
  return actor.kind === 'system' ? 'gigafactory' : actor.id;
}
