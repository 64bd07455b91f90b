/** A new job and its first event. */
import type { Actor, Dep, Job, TrackerItem } from '../contract/job.js';
import type { Engine, Manifest } from '../contract/manifest.js';
import type { ProfileSnapshot } from '../contract/profile.js';
import { noChildren } from './composite.js';
import { requirementsOf } from './capabilities.js';
import type { EventDraft } from './decision.js';
import { classesOf, namedEngine } from './engine.js';
import { needsOf } from './profile.js';
import { laneOf } from './lanes.js';
import { withSla } from './sla.js';
import { NO_USAGE } from './spend.js';

/**
 * Which engine and what else the job asks of a factory, with the profile as it is.
 * @param byDefault the product's engine; taken where the class allows it
 */
export function routingOf(
  manifest: Manifest,
  profile: ProfileSnapshot | undefined,
  byDefault: Engine | undefined,
): { engine: Engine | undefined; requirements: string[] } {
  const needs = needsOf({ manifest, profile });
  const engineClass = needs['engine-class'];
  const fits =
    byDefault !== undefined && (engineClass === undefined || classesOf(byDefault).includes(engineClass));
  const engine = namedEngine(needs) ?? (fits ? byDefault : undefined);
  return { engine, requirements: requirementsOf(needs, engine) };
}

/** As in the manifest's own `title`. */
const MAX_TITLE_CHARS = 200;

/** The manifest's title, or the first line of the prompt that says something. */
function titleOf(manifest: Manifest): string {
  if (manifest.title !== undefined) return manifest.title;
  const lines = manifest.body.split('\n').map((line) => line.replace(/^#+\s*/, '').trim());
  const first = lines.find((line) => line !== '' && !line.startsWith('```') && !line.startsWith('~~~'));
  return (first ?? 'Untitled job').slice(0, MAX_TITLE_CHARS);
}

/**
 * A job as it enters the queue. `events` and `headHash` are zero and empty: the operation that seals the event sets
 * them.
 * @param engine what a product's settings give where the manifest names neither engine nor class
 */
export function newJob(input: {
  manifest: Manifest;
  productId: string;
  jobId: string;
  contentHash: string;
  actor: Actor;
  trackerItem?: TrackerItem | undefined;
  engine?: Engine | undefined;
  /** The profile that the manifest names, as it is now. */
  profile?: ProfileSnapshot | undefined;
  deps?: readonly Dep[] | undefined;
  /** Of the deps, those that are not so far yet. */
  waitsFor?: readonly string[] | undefined;
  /** The composites that it is a part of, its parent last. */
  ancestors?: readonly string[] | undefined;
  /** Its name among its siblings. */
  key?: string | undefined;
  now: string;
}): { job: Job; events: EventDraft[] } {
  const {
    manifest,
    productId,
    jobId,
    contentHash,
    actor,
    trackerItem,
    now,
    deps = [],
    waitsFor = [],
    profile,
    ancestors = [],
    key,
  } = input;
  const { engine, requirements } = routingOf(manifest, profile, input.engine);
  const title = titleOf(manifest);
  const job: Job = {
    id: 'job',
    type: 'job',
    productId,
    jobId,
    title,
    manifest,
    contentHash,
    ...(engine !== undefined && { engine }),
    ...(profile !== undefined && { profile }),
    requirements,
    lane: laneOf(requirements),
    ...(trackerItem !== undefined && { trackerItem }),
    ...(deps.length > 0 && { deps: [...deps] }),
    ...(waitsFor.length > 0 && { waitsFor: [...waitsFor] }),
    ...(ancestors.length > 0 && { parent: ancestors.at(-1), ancestors: [...ancestors] }),
    ...(key !== undefined && { key }),
    ...(manifest.kind === 'composite' && profile?.spec.produces !== 'plan' && { children: noChildren() }),
    stage: 'queued',
    submittedAt: now,
    submittedBy: actor,
    stageSince: now,
    epoch: 0,
    attempts: 0,
    usage: NO_USAGE,
    events: 0,
    headHash: '',
  };
  const event: EventDraft = {
    body: { kind: 'job.submitted', title, contentHash },
    actor,
    at: now,
    stage: 'queued',
  };
  return { job: withSla(job, now), events: [event] };
}
