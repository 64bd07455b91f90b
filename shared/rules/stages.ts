/** Predicates over a job's state, each in its one home. */
import type { FailureReason, Job, RunKind, Stage } from '../contract/job.js';
import { verifyOf } from './profile.js';

/** Lists carry manifests without their body. */
type KindOf = { manifest: Pick<Job['manifest'], 'kind'> };

const ENDED: ReadonlySet<Stage> = new Set(['shipped', 'failed', 'dead_letter']);

/** Does a factory hold it now (lease, current epoch)? */
export const isInFlight = (job: Pick<Job, 'holder'>): boolean => job.holder !== undefined;

/** Will it stay as it is unless a person asks for more? */
export const isEnded = (stage: Stage): boolean => ENDED.has(stage);

/** Did somebody end it? That is nothing to be alarmed about. */
export const isCancelled = ({
  stage,
  failure,
}: {
  stage: Stage;
  failure?: { reason: FailureReason } | undefined;
}): boolean => stage === 'failed' && failure?.reason === 'cancelled';

/** Has a person said ship, and is the change not merged yet? */
export const isLanding = (job: Pick<Job, 'stage' | 'landing'>): boolean =>
  job.stage === 'testing' && job.landing !== undefined;

/** May a factory claim it, as far as the job itself is concerned? A retry may still have to wait (`notBefore`). */
export const isReady = (
  job: Pick<Job, 'stage' | 'landing' | 'holder' | 'hold' | 'waitsFor' | 'children'>,
): boolean =>
  !isInFlight(job) &&
  job.children === undefined &&
  job.hold === undefined &&
  job.waitsFor === undefined &&
  (job.stage === 'queued' || isLanding(job));

/** Does it wait for a person, with a change to look at? */
export const isParked = (job: Pick<Job, 'stage' | 'landing' | 'holder'>): boolean =>
  !isInFlight(job) && (job.stage === 'review' || (job.stage === 'testing' && job.landing === undefined));

/** Did its change pass, or is there no verify command to pass? The person who ships is then the gate. */
export const isVerified = (job: Pick<Job, 'manifest' | 'profile' | 'verify'>): boolean =>
  verifyOf(job) === undefined || job.verify?.passed === true;

/** What the next claim of the job is for. */
export const nextRunKind = ({ stage, manifest }: Pick<Job, 'stage'> & KindOf): RunKind => {
  if (stage === 'testing') return 'land';
  return manifest.kind === 'composite' ? 'plan' : 'build';
};
