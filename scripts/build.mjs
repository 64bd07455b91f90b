// Builds what changed: the TypeScript parts with tsc into dist/, the console with vite into dist/web.
// First it says in one sentence what a bare machine lacks. Plain syntax: an old Node must be able to read it.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_AT_LEAST = [20, 19];
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const dist = path.join(root, 'dist');
/** Files that the compiler does not copy, but the running code reads. */
const ASSETS = [
  'shared/topology.json',
  ...fs.readdirSync(path.join(root, 'shared/profiles')).map((name) => `shared/profiles/${name}`),
];

const fail = (sentence) => {
  process.stderr.write(sentence + '\n');
  process.exit(1);
};

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < NODE_AT_LEAST[0] || (major === NODE_AT_LEAST[0] && minor < NODE_AT_LEAST[1])) {
  fail(
    `Node ${process.versions.node} is too old: install Node ${NODE_AT_LEAST.join('.')} or newer (https://nodejs.org).`,
  );
}
try {
  execFileSync('git', ['--version'], { stdio: 'ignore' });
} catch {
  fail('git was not found on the PATH: install it (https://git-scm.com/downloads) and try again.');
}
const { dependencies } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
const missing = ['typescript', ...Object.keys(dependencies)].filter(
  (name) => !fs.existsSync(path.join(root, 'node_modules', name)),
);
if (missing.length > 0) fail(`Not installed: ${missing.join(', ')}. Run \`npm ci\` first.`);

/** Time of the newest change below the given files and folders, in ms. */
const newest = (...names) => {
  let latest = 0;
  for (const name of names) {
    const full = path.join(root, name);
    const stat = fs.statSync(full);
    latest = Math.max(latest, stat.mtimeMs);
    if (stat.isDirectory()) {
      for (const entry of fs.readdirSync(full)) latest = Math.max(latest, newest(path.join(name, entry)));
    }
  }
  return latest;
};

/** Removes what an earlier build left of sources that are gone: the host would load a deleted trigger. */
const prune = (folder) => {
  for (const entry of fs.readdirSync(path.join(dist, folder), { withFileTypes: true })) {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory()) prune(name);
    else if (
      /\.js(\.map)?$/.test(name) &&
      !fs.existsSync(path.join(root, name.replace(/\.js(\.map)?$/, '.ts')))
    ) {
      fs.rmSync(path.join(dist, name));
    }
  }
};

const stampTime = (stamp) => (fs.existsSync(stamp) ? fs.statSync(stamp).mtimeMs : 0);

const buildStep = (label, stampName, sources, run) => {
  const stamp = path.join(dist, stampName);
  if (stampTime(stamp) > newest(...sources)) return;
  const start = Date.now();
  run();
  fs.mkdirSync(dist, { recursive: true });
  fs.writeFileSync(stamp, '');
  process.stderr.write(`  built ${label} in ${((Date.now() - start) / 1000).toFixed(1)} s\n`);
};

const tool = (name, args) => {
  const bin = path.join(root, 'node_modules', '.bin', name);
  const result = spawnSync(bin, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (result.status !== 0) fail(`The build failed in ${name}; the messages above say where.`);
};

buildStep(
  'the services',
  '.services',
  [
    'shared',
    'functions',
    'factory',
    'cli',
    'local',
    'test/bench',
    'test/sim',
    'test/support',
    'tsconfig.json',
    'tsconfig.build.json',
    'package-lock.json',
  ],
  () => {
    tool('tsc', ['-p', 'tsconfig.build.json']);
    for (const folder of ['shared', 'functions', 'factory', 'cli', 'local', 'test']) prune(folder);
    for (const asset of ASSETS) {
      fs.mkdirSync(path.dirname(path.join(dist, asset)), { recursive: true });
      fs.copyFileSync(path.join(root, asset), path.join(dist, asset));
    }
  },
);
buildStep('the console', '.web', ['web', 'shared', 'package-lock.json'], () => {
  tool('vite', ['build', '-c', 'web/vite.config.ts', '--logLevel', 'warn']);
});
