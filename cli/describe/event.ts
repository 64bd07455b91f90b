// One event of a job as a sentence for people.
import type { JobEvent } from '../../shared/contract/event.js';
import type { Change, VerifyResult } from '../../shared/contract/job.js';
import { assertExhaustive } from '../../shared/errors.js';
import { clockTime, count, cut, oneLine, took, usd } from '../text.js';

/** Characters of a message that a timeline shows. */
const MAX_MESSAGE = 160;

export const shortCommit = (commit: string): string => commit.slice(0, 7);

export const describeChange = (change: Change): string =>
  `${count(change.filesChanged.length, 'file')} (+${change.insertions} −${change.deletions}) on ${oneLine(change.branch)}`;

export const describeVerify = (verify: VerifyResult): string =>
  `${verify.passed ? 'passed' : `failed with exit code ${verify.exitCode ?? 'none'}`} in ${took(verify.durationMs)}: ${oneLine(verify.command)}${describeReports(verify)}`;

function describeReports({ tests, coveragePercent }: VerifyResult): string {
  const parts = [
    ...(tests
      ? [
          `${tests.passed} passed`,
          ...(tests.failed > 0 ? [`${tests.failed} failed`] : []),
          ...(tests.skipped > 0 ? [`${tests.skipped} skipped`] : []),
        ]
      : []),
    ...(coveragePercent === undefined ? [] : [`${coveragePercent}% of lines`]),
  ];
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

export function describeEvent({ body }: Pick<JobEvent, 'body'>): string {
  switch (body.kind) {
    case 'job.submitted':
      return `submitted “${message(body.title)}”`;
    case 'job.assigned':
      return `${body.run === 'land' ? 'to be merged by' : 'claimed by'} ${body.factoryId} (pool ${body.pool}, run ${body.epoch})`;
    case 'run.started':
      return `${body.run === 'land' ? 'merging' : 'started'} on ${body.factoryId}${body.engineVersion === undefined ? '' : ` with ${message(body.engineVersion)}`}`;
    case 'run.checkpointed':
      return `${body.factoryId} kept its work so far as ${shortCommit(body.checkpoint.commit)}`;
    case 'run.finished':
      return `changed ${describeChange(body.change)}${body.usage.usd > 0 ? ` for ${usd(body.usage.usd)}` : ''}`;
    case 'run.verified':
      return `verify ${describeVerify(body.verify)}`;
    case 'run.failed':
      return `run ${body.epoch} failed (${body.reason.replaceAll('_', ' ')}): ${message(body.message)}${retry(body)}`;
    case 'run.released':
      return `${body.factoryId} gave it back: ${message(body.message)}`;
    case 'run.lost':
      return `${body.factoryId} was lost: ${message(body.message)}${retry(body)}`;
    case 'ship.requested':
      return 'ship requested';
    case 'ship.landed':
      return `merged into ${oneLine(body.baseBranch)} as ${shortCommit(body.mergeCommit)}`;
    case 'ship.refused':
      return `not merged: ${message(body.message)}`;
    case 'job.requeued':
      return `requeued: ${message(body.reason)}`;
    case 'job.cancelled':
      return `cancelled: ${message(body.reason)}`;
    case 'job.rerouted':
      return `profile ${body.profile} is at version ${body.version} now: requires ${body.requirements.join(', ')}`;
    case 'deps.met':
      return 'what it waited for is there';
    case 'run.planned':
      return `planned ${count(body.count, 'child', 'children')}${body.usage.usd > 0 ? ` for ${usd(body.usage.usd)}` : ''}`;
    case 'children.requested':
      return `split into ${count(body.count, 'child', 'children')}${body.onFailure === 'fail-fast' ? ', the first failure stops the others' : ''}`;
    case 'children.ended':
      return body.failed.length === 0
        ? `all ${body.shipped} children shipped`
        : `${body.failed.length} of ${body.shipped + body.failed.length} children did not ship: ${message(body.failed.join(', '))}`;
    case 'gate.approved':
      return `approved${body.review === undefined ? '' : `, reviewed by ${body.review}`}${body.open === 0 ? '' : `; ${body.open} more needed`}`;
    case 'gate.rejected':
      return `rejected: ${message(body.reason)}`;
    case 'gate.promoted':
      return 'promoted to testing';
    case 'gate.overridden':
      return `may ship although it left its scope: ${message(body.reason)}`;
    case 'job.held':
      return `${body.paused ? 'paused' : 'put on hold'}: ${message(body.reason)}`;
    case 'job.resumed':
      return 'resumed';
    case 'sla.breached':
      return `late: ${LATE_FOR[body.phase]} was due ${clockTime(body.dueAt)} (priority ${body.priority})`;
    case 'job.handed-over':
      return `${HANDED_OVER[body.outcome]} (${count(body.offline.runs, 'run', 'runs')}, ${body.offline.stage} there)`;
    default:
      return assertExhaustive(body);
  }
}

const LATE_FOR = { start: 'its start', run: 'the end of its run', decide: 'a decision of a person' } as const;

const HANDED_OVER = {
  taken: 'brought from a folder',
  merged: 'what a factory did of it offline counts',
  kept: 'what a factory did of it offline does not count',
} as const;

const message = (text: string): string => cut(oneLine(text), MAX_MESSAGE);

const retry = ({ retryAt }: { retryAt?: string | undefined }): string =>
  retryAt === undefined ? '' : `; again at ${clockTime(retryAt)}`;
