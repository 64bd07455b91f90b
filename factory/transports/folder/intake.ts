/** From a manifest in `inbox/` to a job of the folder, or to the words for what is wrong with it. */
import type { Dep } from '../../../shared/contract/job.js';
import { JobIdSchema } from '../../../shared/contract/job.js';
import type { Problem } from '../../../shared/errors.js';
import { canonicalJson, sealEvents, sha256 } from '../../../shared/eventChain.js';
import { jobIdOf } from '../../../shared/jobId.js';
import { parseManifest } from '../../../shared/manifest.js';
import { cycleThrough, openDeps, parseDep } from '../../../shared/rules/dag.js';
import { newJob } from '../../../shared/rules/lifecycle.js';
import type { FolderRecord } from './records.js';

export interface Intake {
  /** Its name, without the folder. */
  readonly file: string;
  readonly text: string;
  /** ISO time: the older one goes first. */
  readonly filedAt: string;
  readonly productId: string;
  /** Who files, as events name them. */
  readonly person: string;
  /** The other jobs of the folder. */
  readonly others: readonly FolderRecord[];
}

export type TakenIn =
  | { readonly kind: 'job'; readonly record: FolderRecord }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] };

const invalid = (path: string, message: string, expected: string): TakenIn => ({
  kind: 'invalid',
  problems: [{ path, message, expected }],
});

export function takeIn({ file, text, filedAt, productId, person, others }: Intake): TakenIn {
  const parsed = parseManifest(text);
  if (parsed.kind === 'invalid') return parsed;
  const { manifest } = parsed;
  const needs =
    manifest.kind === 'composite' ? 'kind' : manifest.profile === undefined ? undefined : 'profile';
  if (needs !== undefined) return invalid(needs, 'only the control plane carries this out', `no ${needs}`);
  if (manifest.repo === undefined && manifest.cwd === undefined)
    return invalid('repo', 'no repository is named', 'an address or a path that git can clone');
  const key = manifest['idempotency-key'] ?? keyOf(file);
  const jobId = jobIdOf(productId, key);
  if (others.some(({ job }) => job.jobId === jobId))
    return invalid('idempotency-key', `"${key}" is a job already`, 'another key or name');
  const deps = manifest.deps.map((dep): Dep => {
    const { ref, until } = parseDep(dep);
    return { jobId: JobIdSchema.safeParse(ref).success ? ref : jobIdOf(productId, ref), until };
  });
  const cycle = cycleThrough(
    { jobId, deps },
    others.map(({ job }) => job),
  );
  if (cycle !== undefined) {
    const names = new Map([...others.map((one) => [one.job.jobId, one.file] as const), [jobId, file]]);
    const circle = cycle.map((id) => names.get(id) ?? id).join(' → ');
    return invalid('deps', `a cycle: ${circle}`, 'jobs that do not wait for this one');
  }
  const stages = new Map(others.map(({ job }) => [job.jobId, job.stage]));
  const created = newJob({
    manifest,
    productId,
    jobId,
    contentHash: sha256(canonicalJson(manifest)),
    actor: { kind: 'operator', id: person },
    deps,
    waitsFor: openDeps(deps, stages).map((dep) => dep.jobId),
    now: filedAt,
  });
  const { job, events } = sealEvents(created.job, created.events);
  return { kind: 'job', record: { file, job, runs: [], events } };
}

/** A job's key where its manifest has none: the name of its file. */
export const keyOf = (file: string): string => file.replace(/\.(md|json)$/, '');

/** Has nobody begun, so that another manifest is the same as none before? */
export const isUnbegun = ({ job, handOver }: FolderRecord): boolean =>
  handOver === undefined && job.stage === 'queued' && job.epoch === 0;

/** Why a person's move of a manifest means nothing any more. */
export function whyHandedOver(jobId: string, handOver: NonNullable<FolderRecord['handOver']>): string {
  switch (handOver.state) {
    case 'done':
      return `the control plane has it now: aq show ${jobId}`;
    case 'asked':
      return `it is on its way to the control plane, which decides about it from now on: aq show ${jobId}`;
    case 'refused':
      return `the control plane refused it (${handOver.message}): file it again under another name`;
  }
}

/** One problem a line, for the file beside a manifest. */
export const tellProblems = (problems: readonly Problem[]): string =>
  problems
    .map(({ path: at, message, expected, line, nearest }) => {
      const place = line === undefined ? '' : `line ${line}: `;
      const meant = nearest === undefined ? '' : `; did you mean "${nearest}"?`;
      return `${place}${at}: ${message}${expected === undefined ? '' : `; expected ${expected}`}${meant}\n`;
    })
    .join('');
