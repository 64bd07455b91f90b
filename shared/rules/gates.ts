/** Who may let a change through, and when it may go by itself. */
import { count } from '../contract/count.js';
import type { Actor, Job, Run, ScopeReport, VerifyResult } from '../contract/job.js';
import type { ReviewPolicy } from '../contract/manifest.js';
import { allowedScopeOf, mayPushDirectly, reviewPolicyOf } from './profile.js';
import { isParked, isVerified } from './stages.js';

/** Who ships a job whose policy is `auto`. */
export const AUTO_SHIP: Actor = { kind: 'system', id: 'review-policy' };

/** Files that a refusal names. */
const MAX_NAMED = 5;

const plain = (name: string): string => name.replace(/^@/, '').toLowerCase();
const account = (name: string): string => plain(name).split('@')[0] ?? '';

/** `@Ada` in a policy is the caller `ada`; a name with a domain is another one, since guests choose theirs. */
const isNamed = (reviewer: string, id: string): boolean => plain(reviewer) === plain(id);

/** Here the doubt counts against the person: `ada@example.com` may well be the tracker's `ada`. */
const mayBeSame = (one: string, other: string | undefined): boolean =>
  other !== undefined && account(one) === account(other);

/** The profile that has to have read a change of shared packages before a person approves it. */
export const REVIEWER_PROFILE = 'reviewer';

/** Does it touch a package that others build on? */
export const isShared = ({ change }: Pick<Job, 'change'>): boolean => (change?.scope?.shared.length ?? 0) > 0;

/** How many more approvals the change needs; a policy without reviewers asks for one where a shared package changed. */
export function openApprovals(job: Pick<Job, 'manifest' | 'profile' | 'approvals' | 'change'>): number {
  const policy = reviewPolicyOf(job);
  const needed = typeof policy === 'string' ? (isShared(job) ? 1 : 0) : policy.quorum;
  return Math.max(0, needed - (job.approvals?.length ?? 0));
}

/** Why its scope keeps the change from being shipped; undefined when it does not, or an admin let it through. */
export function scopeGate({ change, override }: Pick<Job, 'change' | 'override'>): string | undefined {
  const outside = change?.scope?.outside ?? [];
  if (change === undefined || outside.length === 0 || override?.commit === change.commit) return undefined;
  const allowed = change.scope?.allowed.join(', ') ?? '';
  return `it changes ${namesOf(outside)}, outside of its allowed scope (${allowed}): requeue it, or an admin overrides this with a reason`;
}

/** A sentence stays one: the rest stands in the change. */
const namesOf = (files: readonly string[]): string =>
  files.length <= MAX_NAMED
    ? files.join(', ')
    : `${files.slice(0, MAX_NAMED).join(', ')} and ${files.length - MAX_NAMED} more`;

/** Why the change may not be shipped yet; undefined when it may. */
export function shipGate(job: Job): string | undefined {
  if (!isVerified(job)) return 'its verify command has not passed';
  const outside = scopeGate(job);
  if (outside !== undefined) return outside;
  const policy = reviewPolicyOf(job);
  const open = openApprovals(job);
  if (open === 0) return undefined;
  if (typeof policy === 'string')
    return `it changes shared packages (${namesOf(job.change?.scope?.shared ?? [])}): it needs a review by the profile ${REVIEWER_PROFILE}, and the approval of a person who did not ask for it`;
  const given = new Set(job.approvals?.map(({ by }) => plain(by)));
  const others = policy.reviewers.filter((reviewer) => !given.has(plain(reviewer)));
  return `it needs ${count(open, 'more approval')}, of ${others.join(', ')}`;
}

/**
 * Why this person's approval does not count; undefined when it does.
 * @param actor left out, the question is whether anybody's would
 */
export function approvalGate(job: Job, actor?: Actor): string | undefined {
  const policy = reviewPolicyOf(job);
  if (typeof policy === 'string' && !isShared(job))
    return `its review policy is ${policy}, which asks for no approvals`;
  if (!isVerified(job)) return 'its verify command has not passed';
  if (actor === undefined) return undefined;
  if (typeof policy !== 'string' && !policy.reviewers.some((reviewer) => isNamed(reviewer, actor.id)))
    return `${actor.id} is not among its reviewers (${policy.reviewers.join(', ')})`;
  const { submittedBy, trackerItem } = job;
  if (submittedBy.kind === 'operator' && mayBeSame(actor.id, submittedBy.id))
    return `${actor.id} submitted it, and nobody approves their own`;
  if (mayBeSame(actor.id, trackerItem?.author))
    return `${actor.id} filed its item, and nobody approves their own`;
  return undefined;
}

/**
 * Why the approval waits for the reviewer profile; undefined when it does not. A change of shared packages needs both:
 * a job with that profile, built on the very commit, and a person.
 * @param review the job that reviewed a commit, if there is one
 */
export function reviewGate(
  job: Pick<Job, 'change'>,
  review: { readonly commit: string } | undefined,
): string | undefined {
  const { change } = job;
  if (change === undefined || !isShared(job) || review?.commit === change.commit) return undefined;
  return `it changes shared packages (${namesOf(change.scope?.shared ?? [])}) and the profile ${REVIEWER_PROFILE} has not read ${change.commit.slice(0, 12)} yet: submit a job with \`profile: ${REVIEWER_PROFILE}\` and \`base-branch: ${change.branch}\`, and approve when its review is there`;
}

/** Has this person approved the change as it is? */
export const hasApproved = (job: Pick<Job, 'approvals'>, actor: Actor): boolean =>
  job.approvals?.some(({ by }) => plain(by) === plain(actor.id)) ?? false;

/**
 * May the change ship without a person? Its policy says auto, its verify passed, and it stayed where it may go: within
 * its scope, out of shared packages, and away from the checks that judge it.
 * @param allowed the paths that it may change; a job without such a limit cannot leave them
 * @param scope required where there is a limit: what was not looked at is not clean
 */
export function shipsByItself(change: {
  policy: ReviewPolicy;
  verify: Pick<VerifyResult, 'passed'> | undefined;
  allowed?: readonly string[] | undefined;
  scope: ScopeReport | undefined;
}): boolean {
  const { policy, verify, allowed, scope } = change;
  if (policy !== 'auto' || verify?.passed !== true) return false;
  if (scope === undefined) return allowed === undefined;
  return scope.outside.length === 0 && scope.shared.length === 0 && scope.gates.length === 0;
}

/** Who ships what a run may push directly. */
export const PUSH_POLICY: Actor = { kind: 'system', id: 'push-policy' };

/**
 * Does the change of a run that may push directly go to the base branch now? As with the policy `auto`: verified, within
 * its scope, out of shared packages and away from what judges it. A review policy that names people stands above it.
 */
export function goesDirectly(
  { manifest, profile }: Pick<Job, 'manifest' | 'profile'>,
  run: Pick<Run, 'push'>,
  change: { verify: Pick<VerifyResult, 'passed'> | undefined; scope: ScopeReport | undefined },
): boolean {
  const policy = manifest['review-policy'] ?? profile?.spec['review-policy'] ?? 'auto';
  return run.push === 'direct' && shipsByItself({ policy, allowed: allowedScopeOf({ profile }), ...change });
}

/**
 * Why the change of a profile that pushes directly waits for a person, as a clause: `it changes its own check (a.txt)`.
 * @param run the job's last one
 * @returns undefined for any other change, and for one whose direct push has begun
 */
export function whyNotDirectly(job: Job, run: Pick<Run, 'kind' | 'push'> | undefined): string | undefined {
  const { manifest, profile, change, verify } = job;
  const policy = manifest['review-policy'] ?? profile?.spec['review-policy'] ?? 'auto';
  if (!mayPushDirectly(job) || !isParked(job) || job.failure !== undefined || run?.kind !== 'build')
    return undefined;
  if (run.push !== 'direct') return `its product does not say pushPolicy: direct`;
  if (policy !== 'auto') return 'its review-policy asks people';
  if (verify?.passed !== true) return 'it has no check (verify) that passed';
  const scope = change?.scope;
  if (scope === undefined) return allowedScopeOf(job) && 'nobody knows whether it stayed in its scope';
  const { outside, shared, gates } = scope;
  if (outside.length > 0) return `it leaves its scope (${named(outside)})`;
  if (shared.length > 0) return `it changes a shared package (${named(shared)})`;
  if (gates.length > 0) return `it changes its own check (${named(gates)})`;
  return undefined;
}

const named = (files: readonly string[]): string =>
  files.slice(0, MAX_NAMED).join(', ') +
  (files.length > MAX_NAMED ? ` and ${files.length - MAX_NAMED} more` : '');
