import type { Stored } from '../../shared/cloud/documents.js';
import { isCloudError } from '../../shared/cloud/errors.js';
import type { Budget } from '../../shared/contract/budget.js';
import type { Claim } from '../../shared/contract/api.js';
import type { Factory, ReadyEntry } from '../../shared/contract/fleet.js';
import type { Job } from '../../shared/contract/job.js';
import type { RouteInput, RouteResult } from '../../shared/contract/routeTypes.js';
import { AppError } from '../../shared/errors.js';
import { resolveEngine } from '../../shared/rules/engine.js';
import { stopsOf } from '../../shared/rules/blocks.js';
import { factoryView } from '../../shared/rules/explain.js';
import { after } from '../../shared/rules/leases.js';
import { decide } from '../../shared/rules/lifecycle.js';
import { mayPushDirectly, needsOf } from '../../shared/rules/profile.js';
import { ReadyIndex, chooseJobs, type Selected } from '../../shared/rules/scheduler.js';
import { isReady, nextRunKind } from '../../shared/rules/stages.js';
import { POOLS, READY } from '../../shared/topology.js';
import { actorOf, requireFactory, type Caller, type FactoryCaller } from './caller.js';
import { giveBackIfUnused, reserve } from './budgetStore.js';
import { commitDecision } from './commitDecision.js';
import type { Deps } from './deps.js';
import { assignedProfile } from './assignedProfile.js';
import { dispatchSoon } from './dispatchJob.js';
import { evict } from './evict.js';
import { readJob, remember } from './jobStore.js';
import { confirmLock, grantLease, takeLock } from './leaseStore.js';
import { noteContact, readFactory } from './factoryStore.js';
import { findProduct } from './products.js';
import { passOn, ringAgain } from './passOn.js';
import { readCandidates } from './readCandidates.js';
import { readRivals } from './rivals.js';
import { schedulingContext } from './schedulingContext.js';
import { noteServed } from './shares.js';

/** Each round loses only against claims of others, so several lost rounds mean that others are at it. */
const MAX_ROUNDS = 4;
/** Every instance sees a new job after so long, replicas lag by milliseconds: what is not there then is gone. */
const UNSEEN_SECONDS = 60;

type ClaimBody = RouteInput<'claimJobs'>['body'];

/**
 * Gives a factory what the scheduler chooses for its free stations. A ticket only says that a look is worth while.
 * @throws AppError forbidden for a pool that the factory did not join
 */
export async function claimJobs(
  deps: Deps,
  caller: Caller,
  { body }: { body: ClaimBody },
): Promise<RouteResult<'claimJobs'>> {
  const identity = requireFactory(caller);
  if (!identity.pools.includes(body.pool))
    throw new AppError('forbidden', `${identity.id} is no member of pool ${body.pool}`, {
      pools: identity.pools,
    });

  if (body.dryRun) return wouldClaim(deps, identity, body);
  const [factory, candidates] = await Promise.all([
    readFactory(deps, identity.id),
    readCandidates(deps, identity, body.pool),
    noteContact(deps, identity.id, { running: body.running, warm: body.warm }),
  ]);
  // One that was asked to go away gets nothing; its ticket is passed on below.
  const free = factory.status === 'draining' ? 0 : body.stations - body.running;
  const { claims, heldBack, halted } =
    free > 0 && candidates.length > 0
      ? await claimFrom(deps, identity, factory, body, candidates)
      : { claims: [], heldBack: undefined, halted: [] };
  if (heldBack) await ringAgain(deps, heldBack);
  else if (claims.length === 0 && body.lane !== undefined) {
    const entries = candidates.map(({ document }) => document);
    await passOn(deps, factoryView(factory, POOLS), body.pool, entries);
  }
  const waiting = candidates.length - claims.length;
  return claims.length === 0 && halted.length > 0 ? { claims, waiting, halted } : { claims, waiting };
}

/** What the scheduler would choose now, without any write. */
async function wouldClaim(
  deps: Deps,
  identity: FactoryCaller,
  body: ClaimBody,
): Promise<RouteResult<'claimJobs'>> {
  const [factory, candidates] = await Promise.all([
    readFactory(deps, identity.id),
    readCandidates(deps, identity, body.pool),
  ]);
  const entries = candidates.map(({ document }) => document);
  const [context, rivals] = await Promise.all([
    schedulingContext(deps, entries),
    readRivals(deps, { ...factory, warm: body.warm }, body.pool, entries),
  ]);
  const { selected } = chooseJobs(new ReadyIndex(entries), {
    factory: {
      ...factoryView(factory, POOLS),
      stations: body.stations,
      running: body.running,
      warm: body.warm,
    },
    context: { ...context, ...rivals },
    now: deps.clock.now(),
    seed: body.pool,
    count: Math.max(0, body.stations - body.running),
  });
  return { claims: [], waiting: candidates.length, would: selected.map(({ entry }) => entry.id) };
}

async function claimFrom(
  deps: Deps,
  identity: FactoryCaller,
  factory: Factory,
  body: ClaimBody,
  candidates: readonly Stored<ReadyEntry>[],
): Promise<{ claims: Claim[]; heldBack: ReadyEntry | undefined; halted: ReturnType<typeof stopsOf> }> {
  const entries = candidates.map(({ document }) => document);
  const [context, rivals] = await Promise.all([
    schedulingContext(deps, entries),
    readRivals(deps, { ...factory, warm: body.warm }, body.pool, entries),
  ]);
  const open = new Map(candidates.map((entry) => [entry.document.id, entry]));
  const claims: Claim[] = [];
  let heldBack: ReadyEntry | undefined;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const running = body.running + claims.length;
    const index = new ReadyIndex([...open.values()].map(({ document }) => document));
    const choice = chooseJobs(index, {
      factory: { ...factoryView(factory, POOLS), stations: body.stations, running, warm: body.warm },
      context: { ...context, ...rivals },
      now: deps.clock.now(),
      seed: deps.chance.uuid(),
      count: body.stations - running,
    });
    heldBack = choice.heldBack;
    if (choice.selected.length === 0) break;
    const attempts = await Promise.all(
      choice.selected.map(async (chosen) => {
        const entry = open.get(chosen.entry.id);
        open.delete(chosen.entry.id);
        const budget = context.budgets?.get(chosen.entry.productId);
        return claimOne(deps, identity, factory, entry, chosen, budget);
      }),
    );
    claims.push(...attempts.filter((claim) => claim !== undefined));
    if (attempts.every((claim) => claim !== undefined)) break;
  }
  await noteServed(
    deps,
    context,
    claims.map(({ job }) => job.productId),
  );
  return { claims, heldBack, halted: stopsOf(entries, context) };
}

/**
 * Claims one job, or cleans up what is left of it in the ready set. The order of the writes is what makes a crash
 * between any two of them harmless:
 *  1. what it may cost, in the product's budget; the next claim of the same epoch finds it there, and the feed gives
 *     it back when the job ends without one;
 *  2. the lock; without a claim it is free again after a lease time, also when this claim loses its race: the faster one
 *     may be on the same epoch;
 *  3. the job with its run and event: from here the epoch is ours, and this alone is the truth;
 *  4. the lock once more: two jobs of one lock may be claimed while one of them stands still, but one of them alone runs;
 *  5. the lease; without it the job is reclaimed a lease time after the run's start (reapOrphans);
 *  6. the ready entry goes; left behind, the next claim finds that the job is not ready and removes it.
 */
async function claimOne(
  deps: Deps,
  identity: FactoryCaller,
  factory: Factory,
  entry: Stored<ReadyEntry> | undefined,
  choice: Selected,
  budget: Budget | undefined,
): Promise<Claim | undefined> {
  if (!entry) return undefined;
  const { productId, pool, id: jobId } = entry.document;
  const before = await readJob(deps, { productId, jobId }).catch(absent);
  const job = before?.document;
  if (!before || !job || !isReady(job)) {
    if (isOver(job, entry.document, deps.clock.now())) await dropEntry(deps, entry);
    return undefined;
  }
  const now = deps.clock.now();
  if (job.notBefore !== undefined && job.notBefore > now) {
    await dispatchSoon(deps, job);
    return undefined;
  }
  const profile = await assignedProfile(deps, job);
  if (profile === 'rerouted') return undefined;
  const engine = resolveEngine(
    { ...job, needs: needsOf({ manifest: job.manifest, profile }) },
    factory.advertises,
  );
  if (engine === undefined) return undefined;
  const direct =
    mayPushDirectly({ profile }) && (await findProduct(deps, productId))?.pushPolicy === 'direct';
  const decision = decide(
    job,
    undefined,
    {
      kind: 'claim',
      actor: actorOf(identity),
      run: nextRunKind(job),
      factoryId: identity.id,
      pool,
      engine,
      decision: choice.assignment,
      profile,
      direct,
    },
    now,
  );
  if (decision.kind === 'rejected' || !decision.run) return undefined;
  const { epoch } = decision.job;
  if (!(await reserve(deps, job, epoch, budget))) return undefined;
  const locked = await takeLock(deps, job, epoch);
  const claimed = locked ? await commitDecision(deps, before, decision) : undefined;
  if (!claimed) {
    await giveBackIfUnused(deps, job, epoch);
    return undefined;
  }
  remember(deps, claimed);
  if (!(await confirmLock(deps, claimed))) {
    const run = { productId, jobId, epoch, holder: identity.id };
    await evict(deps, run, 'another job took its lock', actorOf(identity));
    return undefined;
  }
  const [lease] = await Promise.all([
    grantLease(deps, { job: claimed, epoch, holder: identity.id, pool }),
    dropEntry(deps, entry),
  ]);
  if (!lease) return undefined;
  return {
    job: claimed,
    run: decision.run,
    lease: { expiresAt: lease.expiresAt, seconds: deps.settings.leaseSeconds },
  };
}

/**
 * Does the job that is not ready say that the entry is over? Another instance may still read the job as it was before
 * it became ready, or not see it at all; such a read says nothing about the entry, and without its entry a ready job
 * would never be claimed.
 */
const isOver = (job: Job | undefined, entry: ReadyEntry, now: string): boolean =>
  job === undefined ? entry.readySince <= after(now, -UNSEEN_SECONDS) : job.events >= entry.jobEvents;

const absent = (error: unknown): undefined => {
  if (error instanceof AppError && error.code === 'not-found') return undefined;
  throw error;
};

/** Removes the version of the entry that was read; a newer one was written for a later time of being ready. */
async function dropEntry(deps: Deps, entry: Stored<ReadyEntry>): Promise<void> {
  try {
    await deps.documents.remove(READY, [entry.document.pool], entry.document.id, entry.etag);
  } catch (error) {
    if (!isCloudError(error, 'precondition')) throw error;
  }
}
