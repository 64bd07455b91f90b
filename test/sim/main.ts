// `npm run sim`: many seeds on all cores, or one with its story.
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { optionsFrom, refuse, whole } from './options.js';
import { runSeed } from './run.js';
import { Totals } from './totals.js';
import type { FromWorker, Share } from './worker.js';

const USAGE = `npm run sim -- [--seeds N] [--from N] [--minutes M] [--json]
npm run sim -- --seed N [--trace]

  --seeds N    so many seeds (500)
  --from N     the first of them (1)
  --minutes M  as many seeds as fit into M minutes
  --seed N     one seed, --trace with everything that happens in it
  --json       one JSON document instead of text
  --jobs N     so many threads (as there are cores)
  --first      stop at the first violation

Examples:
  npm run sim -- --seeds 100
  npm run sim -- --minutes 5 --json
  npm run sim -- --seed 7 --trace
`;

const values = optionsFrom(
  {
    options: {
      seeds: { type: 'string' },
      from: { type: 'string' },
      minutes: { type: 'string' },
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      jobs: { type: 'string' },
      first: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  },
  USAGE,
);

if (values.seed === undefined && values.trace)
  refuse('--trace tells of one seed: name it with --seed', USAGE);
for (const name of ['seeds', 'from', 'minutes', 'jobs'] as const)
  if (values.seed !== undefined && values[name] !== undefined)
    refuse(`--seed is one seed, and --${name} is for many`, USAGE);

function minutes(text: string): number {
  const number = Number(text);
  if (number > 0 && Number.isFinite(number)) return number;
  return refuse(`--minutes is "${text}"; expected a number above 0`, USAGE);
}

async function many(totals: Totals): Promise<number> {
  const from = whole('from', values.from ?? '1', USAGE);
  const untilMs = values.minutes === undefined ? Infinity : Date.now() + minutes(values.minutes) * 60_000;
  const seeds =
    values.minutes === undefined ? whole('seeds', values.seeds ?? '500', USAGE) : Number.MAX_SAFE_INTEGER;
  const step = Math.min(
    seeds,
    values.jobs === undefined ? availableParallelism() : whole('jobs', values.jobs, USAGE),
  );
  let cpuSeconds = 0;
  await Promise.all(
    Array.from({ length: step }, async (_, at) => {
      const share: Share = { from: from + at, step, count: Math.ceil((seeds - at) / step), untilMs };
      const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: share });
      worker.on('message', (message: FromWorker) => {
        if ('result' in message) {
          totals.add(message.result);
          if (values.first && totals.violations.length > 0) void worker.terminate();
        }
        // Of the whole process, as every thread counts it: the last one has it all.
        else cpuSeconds = Math.max(cpuSeconds, message.cpuSeconds);
      });
      await new Promise<void>((resolve, reject) => {
        worker.on('error', reject);
        worker.on('exit', () => resolve());
      });
    }),
  );
  return cpuSeconds;
}

async function one(totals: Totals, seed: number): Promise<number> {
  const before = process.cpuUsage();
  totals.add(await runSeed(seed, values.trace ? (line) => process.stdout.write(`${line}\n`) : undefined));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

const totals = new Totals();
const cpuSeconds =
  values.seed === undefined ? await many(totals) : await one(totals, whole('seed', values.seed, USAGE));
process.stdout.write(`${values.json ? totals.json(cpuSeconds) : totals.text(cpuSeconds)}\n`);
process.exitCode = totals.violations.length > 0 ? 1 : 0;
