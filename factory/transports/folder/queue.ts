/**
 * A control plane in a folder: the same manifests, rules and events without any network. Whatever a factory asks of
 * the real one it asks here, and the lifecycle's `decide` answers; so nothing of a run knows the difference.
 *
 * A person files a job by putting a manifest into `inbox/`, ships it by moving it from `review/` or `testing/` to
 * `shipped/`, runs it again by moving it from `failed/` to `inbox/`, and turns a change down by moving it to `failed/`.
 */
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { RunReportSchema, type Claim } from '../../../shared/contract/api.js';
import type { JobEvent } from '../../../shared/contract/event.js';
import type { Actor, Job } from '../../../shared/contract/job.js';
import { AppError, type Problem } from '../../../shared/errors.js';
import { sealEvents } from '../../../shared/eventChain.js';
import { capabilityCheck } from '../../../shared/rules/capabilities.js';
import { openDeps } from '../../../shared/rules/dag.js';
import { resolveEngine } from '../../../shared/rules/engine.js';
import { leaseExpiry } from '../../../shared/rules/leases.js';
import { decide, type Accepted, type Command } from '../../../shared/rules/lifecycle.js';
import { redactDeep } from '../../../shared/rules/secrets.js';
import { priorityRank } from '../../../shared/rules/priority.js';
import { needsOf } from '../../../shared/rules/profile.js';
import { isInFlight, isReady, nextRunKind } from '../../../shared/rules/stages.js';
import type { Coordinator } from '../../coordinator.js';
import { Mutex } from '../../mutex.js';
import { isUnbegun, takeIn, tellProblems, whyHandedOver, type TakenIn } from './intake.js';
import { folderOf, Records, type Folder, type FolderRecord } from './records.js';

/** The one pool that a folder has. */
export const FOLDER_POOL = 'folder';
const LEASE_SECONDS = 30;
const DEPS_ACTOR: Actor = { kind: 'system', id: 'deps' };
/** Score and candidates say nothing here: the first by priority and age is taken. */
const NO_SCORE = { total: 0, capabilityFit: 0, affinity: 0, load: 0, cost: 0, health: 0, starvation: 0 };

export interface FolderQueueSpec {
  /** Absolute. */
  readonly root: string;
  readonly productId: string;
  readonly factoryId: string;
  readonly advertises: readonly string[];
  /** Who moves files, as events name them. */
  readonly person: string;
  readonly now?: () => string;
}

export class FolderQueue implements Coordinator {
  private readonly spec: FolderQueueSpec;
  private readonly records: Records;
  private readonly jobs = new Map<string, FolderRecord>();
  private readonly mutex = new Mutex();
  /** Of each manifest in the inbox the version that was read last. */
  private readonly seen = new Map<string, string>();
  private readonly now: () => string;

  constructor(spec: FolderQueueSpec) {
    this.spec = spec;
    this.records = new Records(spec.root);
    this.now = spec.now ?? (() => new Date().toISOString());
  }

  /** Reads what is there. Runs that were under way when a factory died are lost, as their leases would be. */
  async open(): Promise<void> {
    for (const record of await this.records.open()) this.jobs.set(record.job.jobId, record);
    for (const record of this.jobs.values()) {
      const { job } = record;
      const lay = await this.records.find(record);
      if (isInFlight(job)) {
        const actor: Actor = { kind: 'system', id: 'reaper' };
        await this.apply(record, { kind: 'lose', actor, epoch: job.epoch, message: 'the factory ended' });
      }
      if (lay === undefined || lay === folderOf(job.stage)) continue;
      const now = this.recordOf(job.jobId);
      // What lies in building/ was left there by a crash; anywhere else a person may have put it meanwhile.
      if (lay === 'building' || lay === folderOf(now.job.stage)) await this.records.place(now);
      else await this.moved(now, lay);
    }
  }

  /** What the next claims would give, without giving it. */
  async next(count: number): Promise<Job[]> {
    return this.mutex.run(async () => {
      await this.takeIn();
      return this.candidates()
        .slice(0, count)
        .map(({ job }) => job);
    });
  }

  /**
   * Gives the jobs that nobody works on to `give`, the oldest first, and keeps what it answers. A job that is asked
   * about is claimed by nobody until there is an answer, also not after a crash: the control plane may have it.
   * @param give throws when there is no answer; what is left stays as it is
   */
  async handOver(
    give: (record: FolderRecord, folder: string) => Promise<NonNullable<FolderRecord['handOver']>>,
  ): Promise<void> {
    await this.mutex.run(() => this.takeIn());
    const waiting = [...this.jobs.values()]
      .filter(({ job, handOver }) => handOver?.state === 'asked' || (!handOver && !isInFlight(job)))
      .sort((one, other) => (one.job.submittedAt < other.job.submittedAt ? -1 : 1));
    for (const { job } of waiting) {
      const asked = await this.mutex.run(async () => {
        const record = this.recordOf(job.jobId);
        if (isInFlight(record.job)) return undefined;
        const next: FolderRecord = { ...record, handOver: { state: 'asked', at: this.now() } };
        await this.keep(next);
        return next;
      });
      if (!asked) continue;
      const handOver = await give(asked, this.records.pathOf(job.jobId));
      await this.mutex.run(() => this.keep({ ...asked, handOver }));
    }
  }

  /** What happened to the job of a manifest, the oldest first. */
  eventsOf(file: string): readonly JobEvent[] {
    return [...this.jobs.values()].find((record) => record.file === file)?.events ?? [];
  }

  claimJobs: Coordinator['claimJobs'] = ({ body }) =>
    this.mutex.run(async () => {
      await this.takeIn();
      const claims: Claim[] = [];
      for (let free = body.stations - body.running; free > 0; free -= 1) {
        // Looked at anew each time: the one before may hold a lock now.
        const [record] = this.candidates();
        if (!record) break;
        claims.push(await this.claim(record));
      }
      return { claims, waiting: this.candidates().length };
    });

  renewLease: Coordinator['renewLease'] = ({ params }) =>
    this.mutex.run(async () => {
      this.held(params.jobId, params.epoch);
      await this.takeIn();
      this.held(params.jobId, params.epoch);
      return { expiresAt: leaseExpiry(this.now(), LEASE_SECONDS), directives: [] };
    });

  reportRun: Coordinator['reportRun'] = ({ params, body }) =>
    this.mutex.run(async () => {
      const { factoryId } = this.spec;
      const actor: Actor = { kind: 'factory', id: factoryId };
      const report: Command = {
        kind: 'report',
        actor,
        epoch: params.epoch,
        factoryId,
        report: RunReportSchema.parse(redactDeep(body)),
      };
      return { job: await this.apply(this.recordOf(params.jobId), report) };
    });

  appendLog: Coordinator['appendLog'] = async ({ params, query, body }) => {
    const file = path.join(this.records.pathOf(params.jobId), `${params.epoch}.log`);
    const handle = await open(file, 'a');
    try {
      const { size } = await handle.stat();
      if (size !== query.offset) return { nextOffset: size };
      await handle.appendFile(body);
      return { nextOffset: size + body.length };
    } finally {
      await handle.close();
    }
  };

  putArtifact: Coordinator['putArtifact'] = async ({ params, query, body }) => {
    const { jobId, epoch } = params;
    const file = path.join(this.records.pathOf(jobId), 'artifacts', String(epoch), ...query.path.split('/'));
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, body);
    return { path: query.path, bytes: body.length, sha256: query.sha256 };
  };

  /** A folder has no profiles: a job that takes one is refused rather than worked without its limits. */
  getProfileForRun: Coordinator['getProfileForRun'] = ({ params }) =>
    Promise.reject(new AppError('not-found', `a folder has no profiles, so ${params.name} is not there`));

  /** Brings the jobs in line with what people did to the folders, and lets go on what waited for others. */
  private async takeIn(): Promise<void> {
    const known = new Map([...this.jobs.values()].map((record) => [record.file, record]));
    const there = await this.records.files();
    for (const [folder, files] of there)
      for (const file of files) {
        const record = known.get(file);
        const home = record && folderOf(record.job.stage);
        if (!record) {
          if (folder === 'inbox') await this.submit(file);
        } else if (folder === 'inbox' && home !== 'inbox' && home && there.get(home)?.includes(file)) {
          // Not moved, since the job's own file lies where it belongs: another manifest under a used name.
          await this.setAside(file, [
            { path: 'name', message: `${file} is a job already`, expected: 'another file name' },
          ]);
        } else if (folder !== home) await this.moved(record, folder);
        else if (folder === 'inbox') await this.edited(record);
      }
    const stages = new Map([...this.jobs.values()].map(({ job }) => [job.jobId, job.stage]));
    for (const record of this.jobs.values())
      if (
        !record.handOver &&
        record.job.waitsFor !== undefined &&
        openDeps(record.job.deps ?? [], stages).length === 0
      )
        await this.apply(record, { kind: 'unblock', actor: DEPS_ACTOR });
  }

  /**
   * A manifest in the inbox: a new one becomes a job, or goes to `failed/` with its problems beside it. An empty one is
   * left: somebody is still writing it, or the disk is full.
   */
  private async submit(file: string): Promise<void> {
    const read = await this.read(file, [...this.jobs.values()]);
    if (read?.kind === 'invalid') return this.setAside(file, read.problems);
    if (read) await this.keep(read.record);
  }

  /** A manifest that was edited while its job waited: it counts as long as nobody has begun. */
  private async edited(record: FolderRecord): Promise<void> {
    const { file, job } = record;
    const others = [...this.jobs.values()].filter((one) => one !== record);
    const read = await this.read(file, others);
    if (!read || (read.kind === 'job' && read.record.job.contentHash === job.contentHash)) return;
    const isSame = read.kind === 'job' && read.record.job.jobId === job.jobId;
    if (isSame && isUnbegun(record)) {
      const next = read.record;
      return this.keep({ ...next, job: { ...next.job, submittedAt: job.submittedAt } });
    }
    const why =
      read.kind === 'invalid'
        ? tellProblems(read.problems)
        : `${isSame ? 'its job has begun' : 'its key is that of another job'}: file it under another name\n`;
    const note = path.join(this.spec.root, 'inbox', `${file}.note.txt`);
    await writeFile(note, `${file} was changed, and the job goes on as it was before:\n${why}`);
  }

  /** Undefined for a file that has not changed since it was read last, is empty, or is gone. */
  private async read(file: string, others: readonly FolderRecord[]): Promise<TakenIn | undefined> {
    const { root, productId, person } = this.spec;
    const at = path.join(root, 'inbox', file);
    const found = await stat(at).catch(() => undefined);
    const version = found && `${found.mtimeMs} ${found.size}`;
    if (!found || found.size === 0 || this.seen.get(file) === version) return undefined;
    const text = await readFile(at, 'utf8');
    this.seen.set(file, version ?? '');
    return takeIn({ file, text, filedAt: found.mtime.toISOString(), productId, person, others });
  }

  private async setAside(file: string, problems: readonly Problem[]): Promise<void> {
    const { root } = this.spec;
    const { name, ext } = path.parse(file);
    // A job is known by its file's name, so a name that one has would be taken for a person's move of it.
    const taken = new Set([...this.jobs.values()].map((record) => record.file));
    let free = file;
    for (let count = 2; taken.has(free) || existsSync(path.join(root, 'failed', free)); count += 1)
      free = `${name}-${count}${ext}`;
    await writeFile(path.join(root, 'failed', `${free}.problems.txt`), tellProblems(problems));
    this.seen.delete(file);
    await rename(path.join(root, 'inbox', file), path.join(root, 'failed', free));
  }

  /** A person moved a manifest: that is a command. One that its stage does not allow is undone. */
  private async moved(record: FolderRecord, to: Folder): Promise<void> {
    const actor: Actor = { kind: 'operator', id: this.spec.person };
    const reason = `moved to ${to}/`;
    const commands: Partial<Record<Folder, readonly Command[]>> = {
      shipped: [{ kind: 'ship', actor }],
      inbox: [{ kind: 'requeue', actor, reason }],
      failed: [
        { kind: 'reject', actor, reason },
        { kind: 'cancel', actor, reason },
      ],
      testing: [{ kind: 'promote', actor }],
    };
    const { file, job, handOver } = record;
    const run = record.runs.find(({ epoch }) => epoch === job.epoch);
    const decided = handOver ? [] : (commands[to] ?? []);
    const decisions = decided.map((command) => ({ command, ...decide(job, run, command, this.now()) }));
    const legal = decisions.find(({ kind }) => kind === 'accepted');
    if (legal) return void (await this.apply(record, legal.command));
    const [no] = decisions;
    const why = handOver
      ? whyHandedOver(job.jobId, handOver)
      : no?.kind === 'rejected'
        ? no.message
        : `moving a file to ${to}/ asks for nothing`;
    const home = folderOf(job.stage);
    const note = `${file} was found in ${to}/ and put back into ${home}/: ${why}\n`;
    await writeFile(path.join(this.spec.root, to, `${file}.note.txt`), note);
    await this.records.place(record);
  }

  /** What may be claimed now: by priority, then age; with its dependencies met, its lock free, and nothing lacking. */
  private candidates(): FolderRecord[] {
    const now = this.now();
    const lacks = capabilityCheck(this.spec.advertises);
    const all = [...this.jobs.values()];
    const locks = new Set(all.filter(({ job }) => isInFlight(job)).map(({ job }) => job.manifest.lock));
    return all
      .filter(
        ({ job, handOver }) =>
          !handOver && isReady(job) && (job.notBefore === undefined || job.notBefore <= now),
      )
      .filter(({ job }) => job.manifest.lock === undefined || !locks.has(job.manifest.lock))
      .filter(
        ({ job }) =>
          lacks(job.requirements).length === 0 &&
          resolveEngine({ ...job, needs: needsOf(job) }, this.spec.advertises),
      )
      .sort(
        ({ job: one }, { job: other }) =>
          priorityRank(one.manifest.priority) - priorityRank(other.manifest.priority) ||
          (one.submittedAt < other.submittedAt ? -1 : one.submittedAt > other.submittedAt ? 1 : 0) ||
          (one.jobId < other.jobId ? -1 : 1),
      );
  }

  private async claim(record: FolderRecord): Promise<Claim> {
    const { factoryId, advertises } = this.spec;
    const { job } = record;
    const engine = resolveEngine({ ...job, needs: needsOf(job) }, advertises);
    if (engine === undefined) throw new AppError('internal', `no engine for ${job.jobId}`);
    const after = await this.apply(record, {
      kind: 'claim',
      actor: { kind: 'factory', id: factoryId },
      run: nextRunKind(job),
      factoryId,
      pool: FOLDER_POOL,
      engine,
      decision: {
        why: 'the first by priority and age in the folder',
        score: NO_SCORE,
        considered: [{ jobId: job.jobId, score: 0, blocked: [] }],
        candidates: 1,
        seed: FOLDER_POOL,
      },
    });
    const run = this.recordOf(after.jobId).runs.at(-1);
    if (!run) throw new AppError('internal', `${after.jobId} has no run`);
    return {
      job: after,
      run,
      lease: { expiresAt: leaseExpiry(this.now(), LEASE_SECONDS), seconds: LEASE_SECONDS },
    };
  }

  /** Decides, and writes what follows. @throws AppError what the lifecycle says against it */
  private async apply(record: FolderRecord, command: Command): Promise<Job> {
    const { job } = record;
    const epoch = command.kind === 'report' || command.kind === 'lose' ? command.epoch : job.epoch;
    const run = record.runs.find((one) => one.epoch === epoch);
    const decision = decide(job, run, command, this.now());
    if (decision.kind === 'rejected')
      throw new AppError(decision.code, decision.message, { legal: decision.legal, epoch: job.epoch });
    if (decision.events.length === 0) return job;
    await this.keep(changed(record, decision));
    return this.recordOf(job.jobId).job;
  }

  private async keep(record: FolderRecord): Promise<void> {
    await this.records.save(record);
    this.jobs.set(record.job.jobId, record);
  }

  private recordOf(jobId: string): FolderRecord {
    const record = this.jobs.get(jobId);
    if (!record) throw new AppError('not-found', `the folder has no job ${jobId}`, { jobId });
    return record;
  }

  private held(jobId: string, epoch: number): void {
    const { job } = this.recordOf(jobId);
    if (job.epoch !== epoch || job.holder !== this.spec.factoryId)
      throw new AppError('stale-epoch', `epoch ${epoch} of ${jobId} is over`, { epoch: job.epoch });
  }
}

function changed(record: FolderRecord, { job, run, events }: Accepted): FolderRecord {
  const sealed = sealEvents(job, events, run ? [run] : []);
  const runs = run ? [...record.runs.filter(({ epoch }) => epoch !== run.epoch), run] : record.runs;
  return { ...record, job: sealed.job, runs, events: [...record.events, ...sealed.events] };
}
