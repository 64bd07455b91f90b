import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { followJobs } from '../follow.js';
import { FREE_PORTS, startSystem, type System } from '../system.js';
import { aborted, paint, printable, say, speakOnStdout, stopSignal, stopwatch } from '../terminal.js';
import { until } from '../until.js';

const LEASE_SECONDS = 15;
const FEED_POLL_MS = 250;
const aq = path.join(
  path.dirname(path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))))),
  'cli',
  'aq.mjs',
);

interface Event {
  readonly at: string;
  readonly stage: string;
  readonly from?: string;
  readonly actor: { readonly kind: string; readonly id: string };
  readonly body: { readonly kind: string; readonly decision?: { readonly why: string } };
}

interface Detail {
  readonly job: {
    readonly jobId: string;
    readonly title: string;
    readonly stage: string;
    readonly mergeCommit?: string;
    readonly change?: { readonly branch: string; readonly commit: string };
  };
  readonly events: readonly Event[];
}

interface TrackerItem {
  readonly state: string;
  readonly comments: readonly string[];
}

/** What `--json` prints. */
export interface DemoResult {
  readonly jobId: string;
  readonly stages: readonly { readonly stage: string; readonly at: string; readonly actor: string }[];
  readonly branch: string | undefined;
  readonly commit: string | undefined;
  readonly trackerItem: TrackerItem;
  readonly events: number;
  readonly ok: boolean;
}

async function trackerItem({ tracker }: System): Promise<TrackerItem> {
  const get = async (route: string): Promise<unknown> => {
    const answer = await fetch(`${tracker.apiUrl}/repos/${tracker.repository}/issues/1${route}`, {
      headers: { authorization: `Bearer ${tracker.token}` },
    });
    if (!answer.ok) throw new Error(`the tracker answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  };
  const [issue, comments] = (await Promise.all([get(''), get('/comments')])) as [
    { state: string },
    { body: string }[],
  ];
  return { state: issue.state, comments: comments.map((comment) => comment.body) };
}

/** A job's way: the first event in each stage. */
const stagesOf = (events: readonly Event[]): Event[] =>
  events.filter((event, at) => at === 0 || event.from !== undefined);

const seconds = (from: string, to: string): string =>
  `${((Date.parse(to) - Date.parse(from)) / 1000).toFixed(2)} s`;

function printTimeline({ job, events }: Detail, item: TrackerItem): void {
  say(`\n  ${paint('bold', printable(job.title))}  ${paint('gray', job.jobId)}\n`);
  const isShip = ({ body }: Event): boolean => body.kind === 'ship.requested';
  const rows = events.filter((event, at) => at === 0 || event.from !== undefined || isShip(event));
  for (const [at, event] of rows.entries()) {
    const next = rows[at + 1];
    const took = next ? seconds(event.at, next.at) : '';
    say(
      `  ${event.at.slice(11, 23)}  ${(isShip(event) ? 'ship' : event.stage).padEnd(9)} ${took.padStart(8)}  ${event.actor.kind} ${event.actor.id}`,
    );
    if (event.body.decision) say(paint('gray', `                ${printable(event.body.decision.why)}`));
  }
  say(`\n  branch   ${job.change?.branch ?? '-'} at ${job.change?.commit.slice(0, 12) ?? '-'}`);
  say(`  merged   ${job.mergeCommit?.slice(0, 12) ?? '-'}`);
  say(`  tracker  item ${item.state}, ${item.comments.length} comments\n`);
}

async function shipTheSample(system: System): Promise<DemoResult> {
  const jobId = await until('the job of the tracker item', async () => {
    const { jobs } = (await system.api('GET', 'jobs')) as { jobs: { jobId: string }[] };
    return jobs[0]?.jobId;
  });
  const reach = (wanted: string): Promise<Detail> =>
    until(`${jobId} to be in ${wanted}`, async () => {
      const detail = (await system.api('GET', `jobs/${jobId}`)) as Detail;
      const { stage } = detail.job;
      if (stage === 'failed' || stage === 'dead_letter')
        throw new Error(`${jobId} ended in ${stage}: npx aq show ${jobId}`);
      return stage === wanted ? detail : undefined;
    });
  await reach('testing');
  await promisify(execFile)(process.execPath, [aq, 'ship', jobId, '--json'], {
    env: { ...process.env, GIGAFACTORY_CONNECTION: system.connectionFile },
  });
  const detail = await reach('shipped');
  const item = await until('the tracker item to be closed with its comment', async () => {
    const now = await trackerItem(system);
    const told = now.comments.some((comment) =>
      comment.includes(detail.job.mergeCommit?.slice(0, 7) ?? '\0'),
    );
    return now.state === 'closed' && told ? now : undefined;
  });
  printTimeline(detail, item);
  return {
    jobId,
    stages: stagesOf(detail.events).map(({ stage, at, actor }) => ({
      stage,
      at,
      actor: `${actor.kind}:${actor.id}`,
    })),
    branch: detail.job.change?.branch,
    commit: detail.job.mergeCommit,
    trackerItem: item,
    events: detail.events.length,
    ok: detail.job.stage === 'shipped' && item.state === 'closed',
  };
}

/**
 * The whole way without hands, in a folder of its own and on free ports, so that it runs beside `npm start`.
 * Sets the exit code: 0 when the job was shipped and the tracker told.
 */
export async function runDemo(options: { json: boolean; keep: boolean }): Promise<void> {
  const dataDir = mkdtempSync(path.join(os.tmpdir(), 'gigafactory-demo-'));
  if (!options.json) speakOnStdout();
  const step = stopwatch();
  const signal = stopSignal();
  let system: System | undefined;
  try {
    say(paint('bold', '\ngigafactory demo'));
    system = await startSystem({
      dataDir,
      signal,
      ports: FREE_PORTS,
      factories: 1,
      leaseSeconds: LEASE_SECONDS,
      feedPollMs: FEED_POLL_MS,
      watch: false,
      sample: true,
      onStep: step,
      onLog: () => {},
      onNotice: (message) => say(paint('yellow', `  ! ${message}`)),
    });
    say();
    const follower = followJobs(system, {});
    try {
      const result = await Promise.race([shipTheSample(system), aborted(signal)]);
      if (!result) throw signal.reason;
      step(`shipped ${result.jobId}`);
      if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
      process.exitCode = result.ok ? 0 : 1;
    } finally {
      follower.stop();
    }
  } finally {
    await system?.stop();
    if (options.keep) say(`  data kept in ${dataDir}`);
    else rmSync(dataDir, { recursive: true, force: true });
  }
}
