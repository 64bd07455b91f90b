/** What an item hears of its job: which events, and in what words. */
import { count } from '../../shared/contract/count.js';
import type { JobEvent } from '../../shared/contract/event.js';
import type { Job, VerifyResult } from '../../shared/contract/job.js';
import type { TrackerPost } from '../../shared/contract/messages.js';
import { assertExhaustive } from '../../shared/errors.js';
import { isEnded } from '../../shared/rules/stages.js';

/** A comment of GitHub holds 65,536 characters; the end of a failing test's output is what helps. */
const MAX_TAIL_CHARS = 3000;

/** What an event does to the item besides the comment. */
export type ItemChange = 'start' | 'stop' | 'close' | 'none';

/**
 * The one list of events that an item hears of, and what each does to it; undefined for steps that only the console
 * shows, and for failures that are tried again by themselves.
 */
export function newsOf({ body, stage }: Pick<JobEvent, 'body' | 'stage'>): ItemChange | undefined {
  switch (body.kind) {
    case 'job.assigned':
      return body.run === 'land' ? undefined : 'start';
    case 'run.failed':
    case 'run.lost':
      // Left open: what comes next is for a person to say.
      return isEnded(stage) ? 'stop' : undefined;
    case 'job.cancelled':
    case 'gate.rejected':
      return 'stop';
    case 'run.verified':
      return body.verify.passed ? 'none' : undefined;
    case 'ship.refused':
    case 'children.requested':
      return 'none';
    case 'ship.landed':
      return 'close';
    case 'children.ended':
      return body.failed.length === 0 ? 'close' : 'stop';
    case 'job.submitted':
    case 'run.started':
    case 'run.checkpointed':
    case 'run.finished':
    case 'run.planned':
    case 'run.released':
    case 'ship.requested':
    case 'job.requeued':
    case 'deps.met':
    case 'job.rerouted':
    case 'gate.approved':
    case 'gate.promoted':
    case 'gate.overridden':
    case 'job.held':
    case 'job.resumed':
    case 'sla.breached':
    case 'job.handed-over':
      return undefined;
    default:
      return assertExhaustive(body);
  }
}

/** The comment for an event, as markdown. Undefined for one that is not told. */
export function commentFor(post: TrackerPost['post'], job: Job): string | undefined {
  const { body } = post.event;
  if (newsOf(post.event) === undefined) return undefined;
  switch (body.kind) {
    case 'job.assigned':
      return `**Started** on \`${body.factoryId}\` (attempt ${body.epoch}). ${body.decision.why}\n\nJob \`${job.jobId}\``;
    case 'run.verified':
      return [
        `**Ready to ship.** ${verdict(body.verify)}`,
        ...(job.change ? [changeLine(job.change)] : []),
        `Job \`${job.jobId}\`: \`aq ship ${job.jobId}\` merges it.`,
      ].join('\n\n');
    case 'run.failed':
    case 'run.lost':
      return [
        `**Failed** (${body.kind === 'run.failed' ? body.reason : 'lost'}): ${firstLine(body.message)}`,
        ...(job.verify && !job.verify.passed ? [verdict(job.verify), fenced(job.verify.tail)] : []),
        `Nothing was merged. Job \`${job.jobId}\`: \`aq requeue ${job.jobId}\` runs it once more.`,
      ].join('\n\n');
    case 'ship.landed':
      return [
        `**Shipped** to \`${body.baseBranch}\` as \`${body.mergeCommit}\`.`,
        ...(job.verify ? [verdict(job.verify)] : []),
        ...(job.change ? [changeLine(job.change)] : []),
      ].join('\n\n');
    case 'ship.refused':
      return `**Not merged:** ${firstLine(body.message)}\n\nJob \`${job.jobId}\` is back in review.`;
    case 'job.cancelled':
      return `**Cancelled:** ${firstLine(body.reason)}\n\nJob \`${job.jobId}\``;
    case 'gate.rejected':
      return `**Rejected:** ${firstLine(body.reason)}\n\nNothing was merged. Job \`${job.jobId}\`: \`aq requeue ${job.jobId}\` runs it once more.`;
    case 'children.requested':
      return `**Split** into ${count(body.count, 'job')}: \`aq dag ${job.jobId}\` shows them.`;
    case 'children.ended':
      return body.failed.length === 0
        ? `**Shipped:** all ${body.shipped} jobs of it are.`
        : [
            `**Failed:** ${body.failed.length} of ${body.shipped + body.failed.length} jobs did not ship (${body.failed.slice(0, 10).join(', ')}).`,
            `\`aq requeue ${job.jobId}\` runs these once more.`,
          ].join('\n\n');
    default:
      return undefined;
  }
}

const verdict = (verify: VerifyResult): string =>
  `Verify ${verify.passed ? 'passed' : 'failed'}: \`${verify.command}\` (exit code ${verify.exitCode ?? 'none'}, ${(verify.durationMs / 1000).toFixed(1)} s).`;

const changeLine = (change: NonNullable<Job['change']>): string =>
  `Branch \`${change.branch}\` at \`${change.commit}\`: ${count(change.filesChanged.length, 'file')}, +${change.insertions} −${change.deletions}.`;

const firstLine = (text: string): string => text.split('\n')[0]?.slice(0, 500) ?? '';

/** A fence that is longer than any in the text. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text.slice(-MAX_TAIL_CHARS)}\n${fence}`;
}
