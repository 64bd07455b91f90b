/** Each event of a job in words: the same ones in the console and on the command line. */
import { count } from './contract/count.js';
import type { JobEvent } from './contract/event.js';
import type { Actor, FailureReason, VerifyResult } from './contract/job.js';
import { assertExhaustive } from './errors.js';

export type Tone = 'neutral' | 'progress' | 'good' | 'bad' | 'person';

/** Both parts may hold text of strangers: whoever shows them makes it harmless there. */
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

/** As long as git shows it. */
export const shortCommit = (commit: string): string => commit.slice(0, 7);

const cost = ({ usd }: { usd: number }): string =>
  usd > 0 ? ` for $${usd.toFixed(usd < 0.01 ? 4 : 2)}` : '';

/** What the reports of a verify add up to, part by part; none where it wrote none. */
export const reportParts = ({
  tests,
  coveragePercent,
}: Pick<VerifyResult, 'tests' | 'coveragePercent'>): string[] => [
  ...(tests
    ? [
        `${tests.passed} passed`,
        ...(tests.failed > 0 ? [`${tests.failed} failed`] : []),
        ...(tests.skipped > 0 ? [`${tests.skipped} skipped`] : []),
      ]
    : []),
  ...(coveragePercent === undefined ? [] : [`${Number(coveragePercent.toFixed(1))}% of lines covered`]),
];

/** The same in brackets after a blank; empty without any. */
export function reportsText(verify: Pick<VerifyResult, 'tests' | 'coveragePercent'>): string {
  const parts = reportParts(verify);
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

/**
 * Says what happened; who is named beside it.
 * @param clock how a time is told there; takes an ISO time
 */
export function eventText({ body }: Pick<JobEvent, 'body'>, clock: (time: string) => string): EventText {
  const again = ({ retryAt }: { retryAt?: string | undefined }): string =>
    retryAt === undefined ? '' : `; will be tried again at ${clock(retryAt)}`;
  switch (body.kind) {
    case 'job.submitted':
      return { text: 'Submitted', tone: 'person', note: body.title };
    case 'job.assigned':
      return {
        text: `${body.run === 'land' ? 'Merge assigned' : 'Assigned'} to ${body.factoryId} (pool ${body.pool}, run ${body.epoch})`,
        tone: 'progress',
        note: body.decision.why,
      };
    case 'run.started':
      return {
        text: `${body.run === 'land' ? 'Merge' : 'Engine'} started on ${body.factoryId}`,
        tone: 'progress',
        ...(body.engineVersion && { note: body.engineVersion }),
      };
    case 'run.checkpointed':
      return {
        text: `Work so far kept by ${body.factoryId} as ${shortCommit(body.checkpoint.commit)}`,
        tone: 'progress',
      };
    case 'run.finished':
      return {
        text: `Changed ${count(body.change.filesChanged.length, 'file')} (+${body.change.insertions} −${body.change.deletions})${cost(body.usage)}, pushed ${shortCommit(body.change.commit)}`,
        tone: 'progress',
        note: body.change.branch,
      };
    case 'run.verified':
      return {
        text: `Verify ${body.verify.passed ? 'passed' : `failed with exit code ${body.verify.exitCode ?? 'none'}`}${reportsText(body.verify)}`,
        tone: body.verify.passed ? 'good' : 'bad',
        note: body.verify.command,
      };
    case 'run.failed':
      return {
        text: `Run ${body.epoch} failed: ${FAILURE_TEXT[body.reason]}${again(body)}`,
        tone: 'bad',
        note: body.message,
      };
    case 'run.released':
      return { text: `Given back by ${body.factoryId}`, tone: 'neutral', note: body.message };
    case 'run.lost':
      return {
        text: `Lost with ${body.factoryId}${again(body)}`,
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
        text: `Its profile ${body.profile} changed to version ${body.version} while it waited`,
        tone: 'neutral',
        note: `requires ${body.requirements.join(', ')}`,
      };
    case 'deps.met':
      return { text: 'Its dependencies are met', tone: 'progress' };
    case 'run.planned':
      return {
        text: `Planned ${count(body.count, 'child', 'children')}${cost(body.usage)}`,
        tone: 'progress',
      };
    case 'children.requested':
      return {
        text: `Split into ${count(body.count, 'child', 'children')}`,
        tone: 'progress',
        ...(body.onFailure === 'fail-fast' && { note: 'The first failure stops the others.' }),
      };
    case 'children.ended':
      return body.failed.length === 0
        ? { text: `All ${body.shipped} children shipped`, tone: 'good' }
        : {
            text: `${body.failed.length} of ${body.shipped + body.failed.length} children did not ship`,
            tone: 'bad',
            note: body.failed.join(', '),
          };
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
        note: `Due ${clock(body.dueAt)} at priority ${body.priority}.`,
      };
    case 'job.handed-over':
      return {
        text: HANDED_OVER[body.outcome],
        tone: body.outcome === 'kept' ? 'bad' : 'progress',
        note: `Offline it went to ${body.offline.stage} in ${count(body.offline.runs, 'run')}${body.offline.commit === undefined ? '' : `, commit ${shortCommit(body.offline.commit)}`}.`,
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
