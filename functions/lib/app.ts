import { systemChance } from '../../shared/cloud/chance.js';
import { systemClock } from '../../shared/cloud/clock.js';
import { openBlobStorage } from '../../shared/cloud/blobStorage.js';
import { openCosmos } from '../../shared/cloud/cosmos.js';
import { openServiceBus } from '../../shared/cloud/serviceBus.js';
import { SESSION_TICKETS_PER_SECOND } from '../../shared/rules/lanes.js';
import { DATABASE } from '../../shared/topology.js';
import { auditSeal } from '../operations/auditSeal.js';
import type { Deps, Log } from '../operations/deps.js';
import { Standing } from '../operations/factoryTokens.js';
import { createLogBell } from '../operations/logBell.js';
import { authenticator, type Authenticate } from './auth.js';
import { factoryTokens } from './factoryToken.js';
import { readSettings } from './settings.js';
import { packageVersion } from './version.js';

/** One instance of the function app: its connections, opened at the first request and kept. */
export interface App {
  readonly authenticate: Authenticate;
  readonly standing: Standing;
  /** The operations' dependencies, logging to one invocation. */
  readonly deps: (log: Log) => Deps;
  close(): Promise<void>;
}

let current: Promise<App> | undefined;

/** @throws SettingsError */
export function app(): Promise<App> {
  current ??= openApp().catch((error: unknown) => {
    // The next request tries again: the settings may be right, and a service just away.
    current = undefined;
    throw error;
  });
  return current;
}

async function openApp(): Promise<App> {
  const settings = readSettings(process.env);
  const [documents, bus, blobs] = await Promise.all([
    openCosmos({ setting: settings.cosmos, database: DATABASE }),
    openServiceBus(settings.serviceBus),
    openBlobStorage(settings.blobs),
  ]);
  const shared = {
    documents,
    bus,
    blobs,
    clock: systemClock,
    chance: systemChance,
    factoryTokens: factoryTokens(settings.factoryTokenKey),
    auditSeal: auditSeal(settings.auditKey),
    bell: createLogBell(),
    settings: {
      leaseSeconds: settings.leaseSeconds,
      preemption: settings.preemption,
      sessionTicketsPerSecond: SESSION_TICKETS_PER_SECOND,
      version: packageVersion(),
      secret: settings.secret,
    },
  };
  return {
    authenticate: authenticator(settings),
    standing: new Standing(),
    deps: (log) => ({ ...shared, log }),
    async close() {
      current = undefined;
      documents.close();
      await bus.close();
    },
  };
}
