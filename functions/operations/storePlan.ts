import { count } from '../../shared/contract/count.js';
import {
  MAX_DEPTH,
  type ChildDraft,
  type Plan,
  type PlanIntent,
  type PlannedChild,
} from '../../shared/contract/children.js';
import type { BatchStep } from '../../shared/cloud/documents.js';
import { JobIdSchema, type Actor, type Dep, type Job } from '../../shared/contract/job.js';
import type { Manifest } from '../../shared/contract/manifest.js';
import { AppError, type Problem } from '../../shared/errors.js';
import { parseManifest, placedIn, validateManifest, type Given } from '../../shared/manifest.js';
import { graphOf } from '../../shared/manifest/graph.js';
import { shareBudget } from '../../shared/rules/composite.js';
import { parseDep } from '../../shared/rules/dag.js';
import { JOBS } from '../../shared/topology.js';
import type { Deps } from './deps.js';
import { canonicalJson, sha256 } from '../../shared/eventChain.js';
import { jobIdOf } from '../../shared/jobId.js';
import { readJobs } from './jobStages.js';
import { partitionOf } from './jobStore.js';
import { readProduct } from './products.js';
import { resolveManifest } from './resolveManifest.js';

/** The database takes at most 100 steps and 2 MB in a batch; the rest of a step is some 200 bytes. */
const MAX_STEPS = 100;
const MAX_BATCH_BYTES = 1024 * 1024;

export interface CheckedPlan {
  readonly intent: PlanIntent;
  readonly drafts: readonly ChildDraft[];
}

/** Of a child with problems the fields that hold by themselves: what is wrong between children is told with them. */
interface Read extends Given {
  readonly key: string;
  /** What it names for itself is not known. */
  readonly hasBrokenBudget: boolean;
}

export const childIdOf = (parent: Pick<Job, 'productId' | 'jobId'>, key: string): string =>
  jobIdOf(parent.productId, `${parent.jobId}/${key}`);

export const planHash = (plan: Plan): string => sha256(canonicalJson(plan));

export const draftPrefix = (plan: string): string => `child:${plan.slice(0, 16)}:`;

/**
 * Checks a plan as a whole, before anything of it is stored.
 * @throws AppError invalid-manifest with every problem of every child, idempotency-conflict for a key that is another
 * child's already
 */
export async function checkPlan(deps: Deps, parent: Job, plan: Plan, actor: Actor): Promise<CheckedPlan> {
  const depth = (parent.ancestors?.length ?? 0) + 1;
  if (depth > MAX_DEPTH)
    throw refused([
      {
        path: 'children',
        message: `${parent.jobId} is ${depth - 1} levels deep already`,
        expected: `at most ${MAX_DEPTH} levels`,
      },
    ]);
  const { read, problems } = readChildren(plan.children);
  const keys = plan.children.map(({ key }) => key);
  const shares = sharesOf(parent, read, problems);
  const neededIds = await outsideDeps(deps, parent, keys, read, problems);
  const hash = planHash(plan);
  const product = await readProduct(deps, parent.productId);
  const drafts: ChildDraft[] = [];
  for (const [at, { key, manifest, given }] of read.entries()) {
    const { usd, tokens } = shares[at] ?? {};
    const own = inherit(parent.manifest, manifest, given);
    const chosen = [...given, ...inherited(parent.manifest, own)];
    const missing: Problem[] = [];
    const resolved = await resolveManifest(deps, product, own, chosen, missing);
    problems.push(...missing.map((one) => ({ ...one, path: `children.${key}.${one.path}` })));
    if (resolved === undefined) continue;
    drafts.push({
      id: `${draftPrefix(hash)}${String(at).padStart(4, '0')}`,
      type: 'child',
      productId: parent.productId,
      jobId: parent.jobId,
      key,
      childId: childIdOf(parent, key),
      manifest: {
        ...resolved.manifest,
        budget: {
          ...manifest.budget,
          ...(usd !== undefined && { usd }),
          ...(tokens !== undefined && { tokens }),
        },
      },
      contentHash: sha256(canonicalJson(manifest)),
      ...(resolved.engine !== undefined && { engine: resolved.engine }),
      ...(resolved.profile !== undefined && { profile: resolved.profile }),
      deps: depsOf(manifest, neededIds),
      actor,
    });
  }
  if (problems.length > 0) throw refused(placedInChildren(plan.children, problems));
  await refuseTaken(deps, parent, hash, drafts);
  const sum = (of: 'usd' | 'tokens'): number => shares.reduce((total, share) => total + (share[of] ?? 0), 0);
  return {
    intent: {
      hash,
      after: parent.children?.plans.length ?? 0,
      count: drafts.length,
      onFailure: plan['on-failure'],
      usd: sum('usd'),
      tokens: sum('tokens'),
    },
    drafts,
  };
}

/**
 * Stores the children of a plan beside their parent; stored again they are the same. All or nothing rests on the
 * order: these documents mean nothing until the event `children.requested` names their plan.
 */
export async function storePlan(deps: Deps, parent: Job, { drafts }: CheckedPlan): Promise<void> {
  for (const steps of batches(drafts)) await deps.documents.batch(JOBS, partitionOf(parent), steps);
}

const refused = (problems: Problem[]): AppError =>
  new AppError('invalid-manifest', `the plan has ${count(problems.length, 'problem')}`, { problems });

/** With the places of problems in the texts of their children. */
const placedInChildren = (children: readonly PlannedChild[], problems: readonly Problem[]): Problem[] =>
  problems.map((problem) => {
    // Keys may have dots in them: the longest one that fits is meant.
    const [child] = children
      .filter(({ key }) => problem.path.startsWith(`children.${key}.`))
      .toSorted((one, other) => other.key.length - one.key.length);
    if (child === undefined || !('text' in child)) return problem;
    const path = problem.path.slice(`children.${child.key}.`.length);
    const [placed] = placedIn(child.text, [{ ...problem, path }]);
    return { ...placed, ...problem };
  });

function readChildren(children: readonly PlannedChild[]): { read: Read[]; problems: Problem[] } {
  const read: Read[] = [];
  const problems: Problem[] = [];
  for (const child of children) {
    const path = `children.${child.key}`;
    const parsed = 'text' in child ? parseManifest(child.text) : validateManifest(child.manifest);
    const own = parsed.kind === 'invalid' ? parsed.problems : [];
    problems.push(...own.map((one) => ({ ...one, path: one.path === '' ? path : `${path}.${one.path}` })));
    const sound = parsed.kind === 'invalid' ? parsed.sound : parsed;
    if (sound === undefined) continue;
    const { manifest, given } = sound;
    const hasBrokenBudget = own.some((one) => one.path.startsWith('budget'));
    read.push({ key: child.key, manifest, given, hasBrokenBudget });
    if (manifest['idempotency-key'] !== undefined)
      problems.push({
        path: `${path}.idempotency-key`,
        message: 'a child is known by its key',
        expected: 'no idempotency-key',
      });
  }
  const { cycle } = graphOf(read.map(({ key, manifest }) => ({ key, deps: manifest.deps })));
  if (cycle)
    problems.push({
      path: `children.${cycle[0] ?? ''}.deps`,
      message: `a cycle: ${cycle.join(' → ')}`,
      expected: 'jobs that do not wait for each other in a ring',
    });
  return { read, problems };
}

/** In the order of the children; where something is wrong with the budget of one there are none to go by. */
function sharesOf(
  parent: Job,
  read: readonly Read[],
  problems: Problem[],
): { usd?: number; tokens?: number }[] {
  const known = read.filter(({ hasBrokenBudget }) => !hasBrokenBudget);
  const shared = shareBudget(
    parent,
    known.map(({ key, manifest }) => ({ key, ...manifest.budget })),
  );
  if (shared.kind === 'shares') return known.length === read.length ? shared.shares : [];
  const { of, left, asked } = shared;
  problems.push({
    path: `children.budget.${of}`,
    message: `the children name ${asked} ${of} of their own, and ${parent.jobId} has ${left} left for all of them`,
    expected: `budgets that leave something to every child within ${left} ${of}, or a larger budget of the parent`,
  });
  return [];
}

/** What a child leaves open it has from its parent; the parent got the product's defaults when it was submitted. */
function inherit(parent: Manifest, child: Manifest, given: readonly string[]): Manifest {
  const own = (field: keyof Manifest): boolean => given.includes(field);
  const repo = child.repo ?? child.cwd ?? parent.repo;
  const verify = child.verify ?? (child.profile === undefined ? parent.verify : undefined);
  return {
    ...child,
    ...(repo !== undefined && { repo }),
    ...(!own('base-branch') && repo === parent.repo && { 'base-branch': parent['base-branch'] }),
    ...(!own('priority') && { priority: parent.priority }),
    ...(verify !== undefined && { verify }),
  };
}

/** The base branch of the parent's repository is chosen, as far as the product is concerned. */
const inherited = (parent: Manifest, child: Manifest): string[] =>
  child.repo === parent.repo ? ['base-branch'] : [];

/** What `deps` of the children name: a sibling of the plan or of an earlier one, or another job of the product. */
async function outsideDeps(
  deps: Deps,
  parent: Job,
  siblings: readonly string[],
  read: readonly Read[],
  problems: Problem[],
): Promise<Map<string, string>> {
  const keys = new Set(siblings);
  const found = new Map([...keys].map((key) => [key, childIdOf(parent, key)]));
  const refs = new Set(read.flatMap(({ manifest }) => manifest.deps.map((text) => parseDep(text).ref)));
  const outside = [...refs].filter((ref) => !keys.has(ref));
  const candidates = outside.map((ref) => ({
    ref,
    ids: JobIdSchema.safeParse(ref).success
      ? [ref]
      : [childIdOf(parent, ref), jobIdOf(parent.productId, ref)],
  }));
  const there = await readJobs(
    deps,
    parent.productId,
    candidates.flatMap(({ ids }) => ids),
  );
  for (const { ref, ids } of candidates) {
    const id = ids.find((one) => there.has(one));
    if (id === parent.jobId)
      problems.push({ path: 'children', message: `a cycle: a child waits for its parent ${ref}` });
    else if (id !== undefined) found.set(ref, id);
    else
      for (const { key, manifest } of read)
        if (manifest.deps.some((text) => parseDep(text).ref === ref))
          problems.push({
            path: `children.${key}.deps`,
            message: `${ref} is no sibling and no job of ${parent.productId}`,
            expected: 'the key of a sibling, or the id or idempotency key of a job of the product',
          });
  }
  return found;
}

/** Named twice, the stricter one counts. */
function depsOf(manifest: Manifest, ids: ReadonlyMap<string, string>): Dep[] {
  const found = new Map<string, Dep>();
  for (const text of manifest.deps) {
    const { ref, until } = parseDep(text);
    const jobId = ids.get(ref);
    if (jobId !== undefined && found.get(jobId)?.until !== 'shipped') found.set(jobId, { jobId, until });
  }
  return [...found.values()];
}

/** A key that is a child's of another plan already is taken, unless it asks for the same. */
async function refuseTaken(
  deps: Deps,
  parent: Job,
  plan: string,
  drafts: readonly ChildDraft[],
): Promise<void> {
  if ((parent.children?.count ?? 0) === 0 || parent.children?.plans.includes(plan) === true) return;
  const there = await readJobs(
    deps,
    parent.productId,
    drafts.map(({ childId }) => childId),
  );
  const taken = drafts.filter(({ childId }) => there.has(childId)).map(({ key }) => key);
  if (taken.length > 0)
    throw new AppError(
      'idempotency-conflict',
      `${parent.jobId} has children ${taken.join(', ')} already; new ones need other keys`,
      { keys: taken },
    );
}

function batches(drafts: readonly ChildDraft[]): BatchStep[][] {
  const all: BatchStep[][] = [];
  let bytes = Infinity;
  for (const document of drafts) {
    const size = JSON.stringify(document).length * 2;
    const last = all.at(-1);
    if (last === undefined || last.length >= MAX_STEPS || bytes + size > MAX_BATCH_BYTES) {
      all.push([{ kind: 'upsert', document }]);
      bytes = size;
    } else {
      last.push({ kind: 'upsert', document });
      bytes += size;
    }
  }
  return all;
}
