/** A factory's life: clean up, look at the machine, enrol, wait on its pools, work, and go away in order. */
import { setMaxListeners } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import type { Claim } from '../shared/contract/api.js';
import { openTickets, type Tickets } from '../shared/cloud/tickets.js';
import type { FactoryDescriptor } from '../shared/contract/fleet.js';
import { AppError, type ErrorCode } from '../shared/errors.js';
import { probe, type Capabilities } from './capabilities/probe.js';
import { fleetAt, type Coordinator, type Fleet } from './coordinator.js';
import { ENGINES } from './engines/registry.js';
import { GithubTokens } from './githubToken.js';
import {
  describes,
  enrol,
  EnrolmentError,
  keepFresh,
  machineToken,
  store,
  storedIdentity,
  type Identity,
} from './identity.js';
import { lockFolder } from './instanceLock.js';
import { reasonOf, type Logger } from './log.js';
import { pause } from './pause.js';
import { cleanEnvironment } from './processes/environment.js';
import { sweep } from './processes/group.js';
import { executeRun } from './runs/execute.js';
import type { Redactor } from './runs/redact.js';
import { busSecrets, ENROLMENT, type FactorySettings } from './settings.js';
import { Stations } from './stations.js';
import { waitOnPool } from './transports/bus.js';
import { Claims } from './transports/claims.js';
import { answers, fallBack } from './transports/folder/fallBack.js';
import { handOverFolder } from './transports/folder/handOver.js';
import { FOLDER_POOL, FolderQueue } from './transports/folder/queue.js';
import { pollPool } from './transports/poll.js';
import { Shadow } from './transports/shadow.js';
import { Workspace } from './workspace/workspace.js';

/** Closing the bus may wait for a peer that is gone (ms). */
const CLOSE_MS = 300;
/** A factory without space takes no work for so long (ms), and so leaves it to others. */
const NO_SPACE_MS = 60_000;
/** How often a folder is looked at for new work (ms). */
const FOLDER_LOOK_MS = 250;

/** Telling the fleet that it goes may take so long (ms). */
const LEAVE_MS = 1000;

/** Answers that say that a stored token is worth nothing any more. */
const REFUSALS: readonly ErrorCode[] = ['unauthenticated', 'forbidden', 'not-found'];

export interface AgentDeps {
  readonly env: NodeJS.ProcessEnv;
  readonly logger: Logger;
  /** Learns the factory's secrets as they come. */
  readonly redactor: Redactor;
}

export class Agent {
  private readonly settings: FactorySettings;
  private readonly deps: AgentDeps;
  private readonly draining = new AbortController();
  private readonly stations: Stations;
  private readonly workspace: Workspace;
  private readonly githubTokens: GithubTokens;
  private readonly fleet: Fleet;
  private token = '';
  private tickets: Tickets | undefined;
  private claims: Claims | undefined;
  /** Of the folder that stands in for a control plane that is away. */
  private folderClaims: Claims | undefined;
  private readonly unlocks: (() => Promise<void>)[] = [];
  private finished = 0;
  /** The fleet knows it, and it takes work from there. */
  private isMember = false;
  /** It ends because its token is worth nothing any more. */
  isRevoked = false;

  constructor(settings: FactorySettings, deps: AgentDeps) {
    this.settings = settings;
    this.deps = deps;
    // One listener a run and a pool: many are no leak here.
    setMaxListeners(0, this.draining.signal);
    this.stations = new Stations(settings.stations);
    this.workspace = new Workspace(settings.dataDir, cleanEnvironment(deps.env), {
      stations: settings.stations,
      maxBytes: settings.diskBytes,
      abandonedBranchDays: settings.config.abandonedBranchDays,
    });
    this.githubTokens = new GithubTokens(deps.env, (token) => deps.redactor.know(token));
    this.fleet = fleetAt(
      settings.apiUrl,
      () => this.token,
      () => this.endRevoked(),
    );
    deps.redactor.knowEnvironment(deps.env);
    deps.redactor.know(settings.enrolmentToken, ...busSecrets(settings.serviceBus?.value ?? ''));
  }

  /**
   * Resolves when the factory waits on its pools.
   * @throws InUseError, EnrolmentError, SettingsError, AppError: it cannot begin, and why
   */
  async start(): Promise<{ readonly factoryId: string; readonly pools: readonly string[] }> {
    try {
      return await this.begin();
    } catch (error) {
      this.draining.abort();
      throw error;
    }
  }

  private async begin(): Promise<{ readonly factoryId: string; readonly pools: readonly string[] }> {
    const { settings, deps } = this;
    this.unlocks.push(await lockFolder(settings.dataDir));
    await this.removeLeftovers();
    const [capabilities, tickets] = await Promise.all([
      probe(ENGINES, deps.env, settings.config),
      settings.serviceBus && openTickets(settings.serviceBus),
    ]);
    this.tickets = tickets;
    const { stations, draining, fleet } = this;
    if (settings.isBusBehindProxy)
      deps.logger.info('the bus is behind a proxy, which AMQP does not pass: claiming over HTTP');
    const queue =
      settings.folder === undefined || settings.route !== 'folder'
        ? undefined
        : await this.openFolder(settings.folder, capabilities, settings.name);
    const claims = this.claimsOf(queue ?? fleet, capabilities);
    this.claims = claims;
    const wait = { claims, stations, logger: deps.logger };
    if (queue) {
      const before = settings.shadow ? await this.shadowOf(queue, capabilities, claims) : undefined;
      void pollPool(
        { ...wait, pool: FOLDER_POOL, everyMs: FOLDER_LOOK_MS, ...(before && { before }) },
        draining.signal,
      );
      void this.leaveWhenIdle();
      return { factoryId: settings.name, pools: [FOLDER_POOL] };
    }
    const identity = await this.identify(capabilities, claims);
    this.isMember = true;
    for (const pool of identity.pools) {
      if (tickets) void waitOnPool({ ...wait, pool, tickets }, draining.signal);
      else void pollPool({ ...wait, pool }, draining.signal);
    }
    if (settings.folder !== undefined)
      await this.fallBackTo(settings.folder, capabilities, identity.factoryId);
    void this.leaveWhenIdle();
    const keep = (fresh: Identity): Promise<Identity> => store(settings.dataDir, fresh);
    const become = (fresh: Identity): void => this.become(fresh);
    void keepFresh({ fleet, identity, keep, become, logger: deps.logger }, draining.signal);
    return { factoryId: identity.factoryId, pools: identity.pools };
  }

  private claimsOf(coordinator: Coordinator, capabilities: Capabilities): Claims {
    return new Claims({
      coordinator,
      stations: this.stations,
      warm: () => this.workspace.warm,
      work: (claim, claimedAt) => this.work(claim, claimedAt, capabilities, coordinator),
      closed: this.draining.signal,
    });
  }

  /** While the control plane is away the folder gives the work; what was done is handed over when it is back. */
  private async fallBackTo(root: string, capabilities: Capabilities, factoryId: string): Promise<void> {
    const { fleet, stations, draining } = this;
    const { logger } = this.deps;
    const { productId } = this.settings;
    const queue = await this.openFolder(root, capabilities, factoryId);
    const claims = this.claimsOf(queue, capabilities);
    this.folderClaims = claims;
    const handOver = (): Promise<number> => handOverFolder({ queue, fleet, root, productId, logger });
    const isThere = (): Promise<boolean> => answers(fleet);
    void fallBack({ isThere, handOver, claims, stations, logger }, draining.signal);
  }

  private async openFolder(
    root: string,
    { advertises }: Capabilities,
    factoryId: string,
  ): Promise<FolderQueue> {
    const { productId } = this.settings;
    const queue = new FolderQueue({ root, productId, factoryId, advertises, person: userInfo().username });
    const state = path.join(root, '.state');
    await mkdir(state, { recursive: true });
    this.unlocks.push(await lockFolder(state, '--folder'));
    await queue.open();
    return queue;
  }

  /** Asks the fleet too, as the factory that it knows this one as, and claims nothing of it. */
  private async shadowOf(
    queue: FolderQueue,
    capabilities: Capabilities,
    claims: Claims,
  ): Promise<() => Promise<void>> {
    const { folder = '', stations } = this.settings;
    const { pools } = await this.identify(capabilities, claims, 'look only');
    const shadow = new Shadow({
      coordinator: this.fleet,
      pools,
      stations,
      next: async () => (await queue.next(1))[0]?.jobId,
      file: path.join(folder, '.state', 'shadow.jsonl'),
      logger: this.deps.logger,
    });
    return async () => void (await shadow.compare());
  }

  /** After a failure inside of the bus client (isBusFault): its connection is replaced, the rest goes on. */
  reopenBus(fault: Error): void {
    const { logger } = this.deps;
    logger.warn('the bus client failed: its connection is made anew', { why: reasonOf(fault) });
    this.tickets?.reopen().catch((error: unknown) => {
      logger.warn('the old connection to the bus did not close', { why: reasonOf(error) });
    });
  }

  /** Accepts nothing more and gives running jobs back; whenDone() tells when that is over. */
  drain(why: string): void {
    if (this.draining.signal.aborted) return;
    this.deps.logger.info('draining', { why, running: this.stations.running });
    this.workspace.close();
    this.draining.abort();
  }

  /** Resolves when the factory was drained and nothing of it is left. */
  async whenDone(): Promise<void> {
    const { signal } = this.draining;
    if (!signal.aborted) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    }
    await Promise.all([
      // A claim that is under way may still bring a job, which is given back then.
      Promise.all([this.claims?.whenQuiet(), this.folderClaims?.whenQuiet()]).then(() =>
        this.stations.whenEmpty(),
      ),
      Promise.race([this.tickets?.close().catch(() => {}), pause(CLOSE_MS)]),
    ]);
    await this.leave();
    await Promise.race([this.workspace.settled(), pause(CLOSE_MS)]);
    await Promise.all(this.unlocks.map((unlock) => unlock()));
  }

  /** A token that was accepted before and is not now was revoked, or has run out: no later call can do better. */
  private endRevoked(): void {
    if (!this.isMember || this.isRevoked) return;
    this.isRevoked = true;
    const how = `give it a one-time token (aq enrol) in ${ENROLMENT}`;
    this.deps.logger.error('revoked: enrol it again', { factory: this.settings.name, how });
    this.drain('the control plane does not take its token any more');
  }

  /** Idle factories are silent, so one that ends says so; when nobody hears it, the sweeper finds out later. */
  private async leave(): Promise<void> {
    if (!this.isMember || this.isRevoked) return;
    await this.fleet.leaveFleet({}, { signal: AbortSignal.timeout(LEAVE_MS) }).catch(() => {});
  }

  private async work(
    claim: Claim,
    claimedAt: number,
    capabilities: Capabilities,
    coordinator: Coordinator,
  ): Promise<void> {
    const { env, logger, redactor } = this.deps;
    await executeRun(
      claim,
      {
        coordinator,
        workspace: this.workspace,
        engines: ENGINES,
        engineVersions: capabilities.engineVersions,
        config: this.settings.config,
        env,
        githubTokens: this.githubTokens,
        redactor,
        logger,
        running: () => this.stations.running,
        onNoSpace: () => this.stations.rest(NO_SPACE_MS),
        onDrainAsked: () => this.drain('the control plane asked for it'),
      },
      this.draining.signal,
      claimedAt,
    );
    this.finished += 1;
    if (this.settings.once) this.drain('one run was asked for');
  }

  /** A crash leaves worktrees, and on Linux processes that had left their group. */
  private async removeLeftovers(): Promise<void> {
    const runs = await this.workspace.removeLeftovers();
    if (runs.length === 0) return;
    const killed = await sweep(
      (run) => runs.includes(run),
      runs.map((run) => this.workspace.worktreePath(run)),
    );
    this.deps.logger.info('cleaned up after a crash', { worktrees: runs.length, processes: killed });
  }

  /** The stored identity when the control plane still takes it, or a new one. */
  private async identify(
    capabilities: Capabilities,
    claims: Claims,
    how: 'work' | 'look only' = 'work',
  ): Promise<Identity> {
    const { settings, deps } = this;
    const descriptor: FactoryDescriptor = {
      name: settings.name,
      advertises: [...capabilities.advertises],
      stations: settings.stations,
      agentVersion: settings.agentVersion,
    };
    const stored = await storedIdentity(settings.dataDir, settings.apiUrl);
    if (stored && how === 'look only') {
      this.become(stored);
      return stored;
    }
    if (stored) {
      const changed = !describes(stored, descriptor);
      if (changed && settings.enrolmentToken === undefined) {
        deps.logger.warn('this machine has changed since it was enrolled: it keeps the pools it has');
      }
      if ((!changed || settings.enrolmentToken === undefined) && (await this.isAccepted(stored, claims))) {
        return stored;
      }
    }
    const { enrolmentToken } = settings;
    this.token = enrolmentToken === undefined ? await this.machineToken() : '';
    const fresh = await enrol(this.fleet, settings.dataDir, settings.apiUrl, descriptor, enrolmentToken);
    this.become(fresh);
    deps.logger.info('enrolled', { factory: fresh.factoryId, pools: fresh.pools.join(',') });
    return fresh;
  }

  /** Asks with a claim, which tells the control plane that this factory is back; what it gives is worked on. */
  private async isAccepted(identity: Identity, claims: Claims): Promise<boolean> {
    const [pool] = identity.pools;
    if (pool === undefined) return false;
    this.become(identity);
    try {
      await claims.claim(pool);
      return true;
    } catch (error) {
      const code = error instanceof AppError ? error.code : 'internal';
      if (REFUSALS.includes(code)) {
        this.deps.logger.warn('the stored token is not accepted any more', { code });
        return false;
      }
      // It may be back by the next ticket.
      this.deps.logger.warn('the control plane does not answer yet', { why: reasonOf(error) });
      return true;
    }
  }

  private async machineToken(): Promise<string> {
    const { apiUrl, audience } = this.settings;
    if (audience === undefined) throw new EnrolmentError(apiUrl);
    const token = await machineToken(apiUrl, audience);
    this.deps.redactor.know(token);
    return token;
  }

  private become(identity: Identity): void {
    this.token = identity.token;
    this.deps.redactor.know(identity.token);
  }

  /** Containers that were started on demand end by themselves. */
  private async leaveWhenIdle(): Promise<void> {
    const seconds = this.settings.idleExitSeconds;
    const { signal } = this.draining;
    while (seconds !== undefined && !signal.aborted) {
      const before = this.finished;
      if (this.stations.running > 0) await this.stations.next(signal);
      else {
        await pause(seconds * 1000, signal);
        const idle = this.stations.running === 0 && this.finished === before;
        if (idle) this.drain(`no work for ${seconds} s`);
      }
    }
  }
}
