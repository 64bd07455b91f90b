// Installs the coding-agent CLIs that test/clis runs, and says of each whether it is there. One that this machine's
// registry has not got does not stop the others: its tests are skipped, and this ends with 1.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), 'test/clis');
const modules = path.join(folder, 'node_modules');
/** Program → package. They are optional in package.json: npm leaves out one that it cannot get. */
const PACKAGES = {
  claude: '@anthropic-ai/claude-code',
  codex: '@openai/codex',
  copilot: '@github/copilot',
  opencode: 'opencode-ai',
};
/** About 400 MB are fetched; a registry that does not answer must not hold everything else (ms). */
const TIMEOUT_MS = 15 * 60_000;

const limits = ['--fetch-timeout=60000', '--fetch-retries=2', '--no-audit', '--no-fund'];
const npm = spawnSync('npm', ['ci', '--prefix', folder, ...limits], {
  encoding: 'utf8',
  timeout: TIMEOUT_MS,
  shell: process.platform === 'win32',
});
const how = npm.error?.message ?? (npm.status === 0 ? undefined : `ended with ${npm.status ?? npm.signal}`);
if (how !== undefined) {
  const said = npm.stderr?.split('\n').filter((line) => line.startsWith('npm error')) ?? [];
  process.stdout.write([`npm ci --prefix test/clis: ${how}`, ...said.slice(0, 5), ''].join('\n'));
}

const installed = installedPackages();
for (const [program, name] of Object.entries(PACKAGES)) {
  const { version, optionalDependencies = {} } = installed[`node_modules/${name}`] ?? {};
  // The package itself is a launcher; the program comes in another one, for this system alone.
  const native = Object.keys(optionalDependencies).some((one) => `node_modules/${one}` in installed);
  if (version !== undefined && native) {
    process.stdout.write(`${program} ${version} is installed\n`);
    continue;
  }
  const what =
    version === undefined ? name : `the program of ${name} for ${process.platform}-${process.arch}`;
  process.stdout.write(
    `${program} is missing, its tests are skipped: npm could not install ${what} from its registry\n`,
  );
  fs.rmSync(path.join(modules, '.bin', program), { force: true });
  process.exitCode = 1;
}

/** What npm has put there, by place, as it writes it down itself; nothing where it gave up. */
function installedPackages() {
  try {
    return JSON.parse(fs.readFileSync(path.join(modules, '.package-lock.json'), 'utf8')).packages;
  } catch {
    return {};
  }
}
