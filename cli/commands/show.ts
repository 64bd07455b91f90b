import type { Command } from 'commander';
import { count } from '../../shared/contract/count.js';
import type { JobDetail } from '../../shared/contract/api.js';
import type { ScopeReport } from '../../shared/contract/job.js';
import { shortCommit } from '../../shared/eventText.js';
import { action, type Context } from '../context.js';
import { describeChange, describeVerify } from '../describe/event.js';
import { paintStanding } from '../describe/stage.js';
import { describeSla } from '../describe/sla.js';
import { timeline } from '../describe/timeline.js';
import type { Io } from '../io.js';
import { jobIdFrom } from '../jobRef.js';
import { age, clean, oneLine, table, usd, type Paint } from '../text.js';

export function addShow(program: Command, io: Io): void {
  program
    .command('show')
    .description('one job: where it stands, its timeline, why this factory')
    .argument('<job>', 'its id, or the beginning of it')
    .addHelpText('after', '\nExamples:\n  aq show job-3f9a\n  aq show 3f9a --json | jq .events')
    .action(action<[string], object>(io, show));
}

async function show(context: Context, _flags: object, ref: string): Promise<void> {
  const client = await context.client();
  const detail = await client.getJob({ params: { jobId: await jobIdFrom(client, ref) } });
  context.answer(detail, () => describeJob(detail, context.paint, context.io));
}

function describeJob(
  { job, runs, events, legal, sla, rollup, lastLog, notPushedDirectly }: JobDetail,
  paint: Paint,
  io: Io,
): string {
  const { manifest } = job;
  const verify = manifest.verify ?? job.profile?.spec['default-verify'];
  // A composite whose children are there runs nothing itself.
  const isComposite = job.children !== undefined;
  const engine = job.engine ?? manifest['engine-class'] ?? runs.at(-1)?.engine;
  const facts: [string, string | undefined][] = [
    ['stage', `${paintStanding(paint, job)} for ${age(io.now() - Date.parse(job.stageSince))}`],
    ['due', sla && describeSla(sla, io.now(), paint)],
    ['children', rollup && describeRollup(rollup)],
    ['held by', job.holder],
    ['on hold', job.hold && `by ${oneLine(job.hold.by.id)}: ${oneLine(job.hold.reason)}`],
    ['product', job.productId],
    ['profile', job.profile ? `${job.profile.name}, version ${job.profile.version}` : manifest.profile],
    ['engine', isComposite ? undefined : engine],
    ['priority', manifest.priority],
    ['repository', manifest.repo && `${oneLine(manifest.repo)} (${oneLine(manifest['base-branch'])})`],
    ['requires', isComposite ? undefined : job.requirements.join(', ') || undefined],
    ['target', manifest.targetFactoryId && `the factory ${oneLine(manifest.targetFactoryId)} only`],
    ['item', job.trackerItem?.url && oneLine(job.trackerItem.url)],
    ['runs', describeRuns(runs)],
    ['change', job.change && `${describeChange(job.change)} at ${shortCommit(job.change.commit)}`],
    ['request', job.change?.pullRequest && oneLine(job.change.pullRequest.url)],
    ['outside', job.change?.scope && describeOutside(job.change.scope)],
    [
      'verify',
      job.verify
        ? describeVerify(job.verify)
        : isComposite
          ? undefined
          : verify && `${oneLine(verify)} (not run yet)`,
    ],
    ['review', describePolicy(job)],
    ['not pushed', notPushedDirectly && `directly: ${oneLine(notPushedDirectly)}`],
    ['merged', job.mergeCommit && shortCommit(job.mergeCommit)],
    ['cost', job.usage.usd > 0 ? `${usd(job.usage.usd)}, ${job.usage.tokens} tokens` : undefined],
    ['failure', job.failure && `${job.failure.reason.replaceAll('_', ' ')}`],
  ];
  const rows = facts
    .filter((fact): fact is [string, string] => fact[1] !== undefined)
    .map(([name, value]) => [paint('dim', name), value]);
  const sections = [
    `${paint('bold', oneLine(job.title))}\n${job.jobId}`,
    table(rows, io.stdout.columns),
    timeline(events, paint),
  ];
  const failures = attempts(runs, io.stdout.columns, paint);
  if (isOver(job) && failures !== undefined) sections.push(failures);
  if (job.failure)
    sections.push(`${paint('red', 'What went wrong:')}\n${indent(clean(job.failure.message))}`);
  if (job.verify && !job.verify.passed)
    sections.push(`Last lines of verify:\n${indent(clean(job.verify.tail))}`);
  if (lastLog !== undefined)
    sections.push(`End of the log of run ${lastLog.epoch}:\n${indent(clean(lastLog.text))}`);
  if (legal.length > 0)
    sections.push(paint('dim', `possible now: ${legal.map((one) => `aq ${one} ${job.jobId}`).join(' · ')}`));
  return sections.join('\n\n');
}

/** `2 builds, 1 landing`: each is a run of its own, and what a person means by "again" is the builds. */
const describeRuns = (runs: JobDetail['runs']): string | undefined => {
  const of = (kind: JobDetail['runs'][number]['kind']): number =>
    runs.filter((run) => run.kind === kind).length;
  const parts = [
    ...(of('build') > 0 ? [count(of('build'), 'build')] : []),
    ...(of('plan') > 0 ? [count(of('plan'), 'plan')] : []),
    ...(of('land') > 0 ? [count(of('land'), 'landing')] : []),
  ];
  return parts.length === 0 ? undefined : parts.join(', ');
};

const describeRollup = ({
  jobs,
  byStage,
  cancelled,
  usage,
  verify,
}: NonNullable<JobDetail['rollup']>): string => {
  const numbers = { ...byStage, failed: (byStage.failed ?? 0) - cancelled, cancelled };
  const stages = Object.entries(numbers)
    .filter(([, number]) => number > 0)
    .map(([stage, number]) => `${number} ${stage.replaceAll('_', ' ')}`);
  const checked = verify.passed + verify.failed === 0 ? '' : `; verify passed ${verify.passed} of ${jobs}`;
  return `${count(jobs, 'job')} below: ${stages.join(', ')}${checked}; ${usd(usage.usd)} in all`;
};

/** What its scope report asks of people. */
const describeOutside = ({ outside, shared, gates }: ScopeReport): string | undefined => {
  const parts = [
    ...(outside.length > 0 ? [`its scope: ${outside.join(', ')}`] : []),
    ...(shared.length > 0 ? [`shared packages changed: ${shared.join(', ')}`] : []),
    ...(gates.length > 0 ? [`its own checks changed: ${gates.join(', ')}`] : []),
  ];
  return parts.length === 0 ? undefined : oneLine(parts.join('; '));
};

const describePolicy = ({ manifest, profile, approvals = [] }: JobDetail['job']): string | undefined => {
  const policy = manifest['review-policy'] ?? profile?.spec['review-policy'] ?? 'manual';
  if (typeof policy === 'string') return policy === 'manual' ? undefined : policy;
  const given = approvals.map(({ by }) => oneLine(by)).join(', ');
  return `${approvals.length} of ${policy.quorum} approvals by ${policy.reviewers.join(', ')}${given === '' ? '' : ` (given: ${given})`}`;
};

const isOver = ({ stage }: JobDetail['job']): boolean => stage === 'failed' || stage === 'dead_letter';

/** What every failed run said: who it was, how it ended, the exit code. */
function attempts(runs: JobDetail['runs'], columns: number, paint: Paint): string | undefined {
  const rows = runs.flatMap(({ epoch, factoryId, engine, status, failure }) =>
    failure === undefined
      ? []
      : [
          [
            String(epoch),
            factoryId,
            engine,
            status === 'lost' ? 'lost' : failure.reason.replaceAll('_', ' '),
            String(failure.exitCode ?? '–'),
            oneLine(failure.message),
          ],
        ],
  );
  if (rows.length === 0) return undefined;
  const heads = ['RUN', 'FACTORY', 'ENGINE', 'ENDED', 'EXIT', 'MESSAGE'].map((head) => paint('dim', head));
  return table([heads, ...rows], columns);
}

const indent = (text: string): string => text.trimEnd().replaceAll(/^/gm, '  ');
