// `npm run sim:mutants`: plants each defect into a copy of the built product and lets the simulation look for it.
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { MUTANTS, type Mutant } from './mutants.js';
import { optionsFrom, refuse, whole } from './options.js';

const USAGE = `npm run sim:mutants -- [--seeds N] [--only TEXT] [--json]

  --seeds N    so many seeds for each planted defect (2000)
  --only TEXT  the defects with this in their name
  --jobs N     so many at a time (as there are cores)
  --json       one JSON document instead of a table
  --write      the table goes into docs/reliability.md too

Examples:
  npm run sim:mutants -- --only lease
  npm run sim:mutants -- --seeds 500 --json
`;

const values = optionsFrom(
  {
    options: {
      seeds: { type: 'string', default: '2000' },
      only: { type: 'string' },
      jobs: { type: 'string', default: String(availableParallelism()) },
      json: { type: 'boolean', default: false },
      /** Writes the table into docs/reliability.md. */
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  },
  USAGE,
);
whole('seeds', values.seeds, USAGE);
/** What a simulation needs of the product. */
const PARTS = ['shared', 'functions', 'factory', 'local', 'test/sim'];
/** Time for all seeds of one mutant on a busy machine; what takes longer was not caught. */
const TIMEOUT_MS = 40 * 60_000;
/** Around the table in the page. */
const MARKS = ['<!-- mutants -->', '<!-- /mutants -->'] as const;

const dist = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const root = path.dirname(dist);

interface Outcome {
  readonly name: string;
  /** The rule that was broken, or how the process ended. Undefined when nothing was seen. */
  readonly caught: string | undefined;
  readonly seed: number | undefined;
}

/** @throws Error when the text is not there exactly once: the source has changed, and the mutant with it */
function plant({ name, file, find, replace }: Mutant, folder: string): () => void {
  const target = path.join(folder, 'dist', file);
  const genuine = readFileSync(target, 'utf8');
  const times = genuine.split(find).length - 1;
  if (times !== 1)
    throw new Error(`"${name}": dist/${file} has its text ${times} times; expected once:\n${find}`);
  writeFileSync(
    target,
    genuine.replace(find, () => replace),
  );
  return () => writeFileSync(target, genuine);
}

function simulate(folder: string): Promise<{ caught: string | undefined; seed: number | undefined }> {
  const args = ['dist/test/sim/main.js', '--seeds', values.seeds, '--jobs', '1', '--first', '--json'];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      args,
      { cwd: folder, timeout: TIMEOUT_MS, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout) => {
        if (!error || error.killed) return resolve({ caught: undefined, seed: undefined });
        const [first] = violationsIn(stdout);
        resolve({
          caught: first?.rule ?? `the process ended with ${error.message.slice(0, 80)}`,
          seed: first?.seed,
        });
      },
    );
  });
}

function violationsIn(stdout: string): { seed: number; rule: string }[] {
  try {
    return (JSON.parse(stdout) as { violations: { seed: number; rule: string }[] }).violations;
  } catch {
    return [];
  }
}

const chosen = MUTANTS.filter(({ name }) => values.only === undefined || name.includes(values.only));
if (chosen.length === 0) refuse(`no planted defect has "${values.only}" in its name`, USAGE);
if (values.write && values.only !== undefined) refuse('--write takes all of them: leave --only out', USAGE);
const waiting = [...chosen];
const outcomes: Outcome[] = [];
await Promise.all(
  Array.from({ length: Math.min(whole('jobs', values.jobs, USAGE), chosen.length) }, async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'mutant-'));
    try {
      for (const part of PARTS) {
        mkdirSync(path.join(folder, 'dist', path.dirname(part)), { recursive: true });
        cpSync(path.join(dist, part), path.join(folder, 'dist', part), { recursive: true });
      }
      cpSync(path.join(root, 'package.json'), path.join(folder, 'package.json'));
      symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
      for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
        const restore = plant(mutant, folder);
        const { caught, seed } = await simulate(folder);
        restore();
        outcomes.push({ name: mutant.name, caught, seed });
        if (!values.json) process.stderr.write(`${mutant.name}: ${caught ?? 'NOT CAUGHT'}\n`);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }),
);
const caught = outcomes.filter((one) => one.caught !== undefined).length;
/** In the order of the list, whichever ended first. */
const table = [
  `| ${outcomes.length} planted defects, ${caught} caught within ${values.seeds} seeds | seed | broken rule |`,
  '|---|---|---|',
  ...chosen.map(({ name }) => {
    const outcome = outcomes.find((one) => one.name === name);
    return `| ${name} | ${outcome?.seed ?? ''} | ${outcome?.caught ?? '**not caught**'} |`;
  }),
].join('\n');
process.stdout.write(
  values.json ? `${JSON.stringify({ mutants: outcomes.length, caught, outcomes })}\n` : `${table}\n`,
);
if (values.write) {
  const page = path.join(root, 'docs/reliability.md');
  const [before, rest] = readFileSync(page, 'utf8').split(MARKS[0]);
  const after = rest?.split(MARKS[1])[1];
  if (before === undefined || after === undefined)
    throw new Error(`${page} has no place for the table; expected ${MARKS.join(' … ')} once`);
  writeFileSync(page, `${before}${MARKS[0]}\n${table}\n${MARKS[1]}${after}`);
}
process.exitCode = caught === outcomes.length ? 0 : 1;
