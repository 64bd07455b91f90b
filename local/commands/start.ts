import path from 'node:path';
import { followJobs } from '../follow.js';
import { openLogFile } from '../logFile.js';
import { DEFAULT_PORTS, startSystem, type System, type SystemPorts } from '../system.js';
import { aborted, paint, say, speakOnStdout, stopSignal, stopwatch } from '../terminal.js';

export interface StartCommand {
  readonly dataDir: string;
  readonly reset: boolean;
  readonly factories: number;
  readonly leaseSeconds: number;
  readonly preemption: boolean;
  readonly sample: boolean;
  readonly watch: boolean;
  readonly ports: SystemPorts;
}

/** A local feed costs nothing: the echo to the tracker need not wait as long as in the cloud (ms). */
const FEED_POLL_MS = 500;

const summary = (system: System, dataDir: string): string => {
  const where = path.relative(process.cwd(), dataDir) || dataDir;
  const rows = [
    ['console', system.consoleUrl],
    ['tracker', system.trackerUrl],
    ['API', `${system.apiUrl}/fleet/health`],
    ['data', `${where}  (logs in ${path.join(where, 'start.log')})`],
  ];
  return rows.map(([name, value]) => `  ${paint('bold', (name ?? '').padEnd(8))} ${value}`).join('\n');
};

/**
 * Everything, until Ctrl-C.
 * @throws a sentence with the cure: a taken port, a folder in use
 */
export async function runStart(command: StartCommand): Promise<void> {
  speakOnStdout();
  const signal = stopSignal();
  say(paint('bold', '\ngigafactory'));
  const step = stopwatch();
  const onNotice = (message: string): void => say(paint('yellow', `  ! ${message}`));
  const log = openLogFile(path.join(command.dataDir, 'start.log'), onNotice);
  const system = await startSystem({
    ...command,
    signal,
    feedPollMs: FEED_POLL_MS,
    onStep: step,
    onLog: (source, line) => {
      // Kept in a file, so that the terminal stays calm.
      if (!ROUTINE.test(line)) log(`${source}: ${line}`);
    },
    onNotice,
  });
  say(`\n${summary(system, command.dataDir)}\n`);
  const isDefault =
    system.apiUrl.includes(`:${DEFAULT_PORTS.api}/`) && path.basename(command.dataDir) === '.gigafactory';
  const prefix = isDefault ? '' : `GIGAFACTORY_CONNECTION=${system.connectionFile} `;
  say(`  try      ${prefix}npx aq list · aq show JOB · aq explain JOB · aq submit FILE.md`);
  say(`           file an item at ${system.trackerUrl} · Ctrl-C stops everything\n`);
  const follower = followJobs(system, { aqPrefix: prefix });
  await aborted(signal);
  say(paint('gray', '\n  stopping …'));
  follower.stop();
  await system.stop();
  say(paint('gray', '  stopped; `npm start` goes on with the same data'));
}

/** One line a call; at a look every half second they would bury the rest. */
const ROUTINE = /Execut(?:ing|ed) 'Functions\.\w+' \((?!Failed)/;
