/** Who may let a change through, and when it may go by itself. */
import type { Actor, Job, VerifyResult } from '../contract/job.js';
import type { ReviewPolicy } from '../contract/manifest.js';
import { reviewPolicyOf } from './profile.js';
import { isVerified } from './stages.js';

/** Who ships a job whose policy is `auto`. */
export const AUTO_SHIP: Actor = { kind: 'system', id: 'review-policy' };

const plain = (name: string): string => name.replace(/^@/, '').toLowerCase();
const account = (name: string): string => plain(name).split('@')[0] ?? '';

/** `@Ada` in a policy is the caller `ada`; a name with a domain is another one, since guests choose theirs. */
const isNamed = (reviewer: string, id: string): boolean => plain(reviewer) === plain(id);

/** Here the doubt counts against the person: `ada@example.com` may well be the tracker's `ada`. */
const mayBeSame = (one: string, other: string | undefined): boolean =>
  other !== undefined && account(one) === account(other);

/** How many more approvals the change needs; 0 where the policy asks for none. */
export function openApprovals(job: Pick<Job, 'manifest' | 'profile' | 'approvals'>): number {
  const policy = reviewPolicyOf(job);
  return typeof policy === 'string' ? 0 : Math.max(0, policy.quorum - (job.approvals?.length ?? 0));
}

/** Why the change may not be shipped yet; undefined when it may. */
export function shipGate(job: Job): string | undefined {
  if (!isVerified(job)) return 'its verify command has not passed';
  const policy = reviewPolicyOf(job);
  const open = openApprovals(job);
  if (open === 0 || typeof policy === 'string') return undefined;
  const given = new Set(job.approvals?.map(({ by }) => plain(by)));
  const others = policy.reviewers.filter((reviewer) => !given.has(plain(reviewer)));
  return `it needs ${open} more ${open === 1 ? 'approval' : 'approvals'}, of ${others.join(', ')}`;
}

/**
 * Why this person's approval does not count; undefined when it does.
 * @param actor left out, the question is whether anybody's would
 */
export function approvalGate(job: Job, actor?: Actor): string | undefined {
  const policy = reviewPolicyOf(job);
  if (typeof policy === 'string') return `its review policy is ${policy}, which asks for no approvals`;
  if (!isVerified(job)) return 'its verify command has not passed';
  if (actor === undefined) return undefined;
  if (!policy.reviewers.some((reviewer) => isNamed(reviewer, actor.id)))
    return `${actor.id} is not among its reviewers (${policy.reviewers.join(', ')})`;
  const { submittedBy, trackerItem } = job;
  if (submittedBy.kind === 'operator' && mayBeSame(actor.id, submittedBy.id))
    return `${actor.id} submitted it, and nobody approves their own`;
  if (mayBeSame(actor.id, trackerItem?.author))
    return `${actor.id} filed its item, and nobody approves their own`;
  return undefined;
}

/** Has this person approved the change as it is? */
export const hasApproved = (job: Pick<Job, 'approvals'>, actor: Actor): boolean =>
  job.approvals?.some(({ by }) => plain(by) === plain(actor.id)) ?? false;

/** What a run tells about where its change went. */
export interface ScopeReport {
  /** Changed files that the profile does not allow. */
  readonly outside: readonly string[];
  /** Changed files in packages that others build on. */
  readonly shared: readonly string[];
}

/**
 * May the change ship without a person? Its policy says auto, its verify passed, and it stayed where it may go.
 * @param allowed the paths that it may change; a job without such a limit cannot leave them
 * @param scope required where there is a limit: what was not looked at is not clean
 */
export function shipsByItself(change: {
  policy: ReviewPolicy;
  verify: Pick<VerifyResult, 'passed'> | undefined;
  allowed?: readonly string[] | undefined;
  scope?: ScopeReport | undefined;
}): boolean {
  const { policy, verify, allowed, scope } = change;
  if (policy !== 'auto' || verify?.passed !== true) return false;
  if (scope === undefined) return allowed === undefined;
  return scope.outside.length === 0 && scope.shared.length === 0;
}
