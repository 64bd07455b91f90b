import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { claimOf, ControlPlane } from './support/controlPlane.js';
import { createRepository, TemporaryFolder } from './support/repository.js';

interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** Instructions with their continued lines, without comments. */
const instructionsOf = (dockerfile: string): Instruction[] =>
  dockerfile
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', text = ''] = /^(\w+)\s+(.*)$/.exec(line.trim()) ?? [];
      return { name, text };
    });

/** What is wrong with a Dockerfile by the rules of this project. */
function lint(dockerfile: string): string[] {
  const all = instructionsOf(dockerfile);
  const named = (name: string): string[] => all.filter((one) => one.name === name).map(({ text }) => text);
  const stages = named('FROM');
  const last = all.slice(all.findLastIndex(({ name }) => name === 'FROM'));
  const lastOf = (name: string): string => last.findLast((one) => one.name === name)?.text ?? '';
  const rules: [string, boolean][] = [
    [
      'has several stages, each with a name',
      stages.length > 1 && stages.every((one) => / AS \w+$/.test(one)),
    ],
    ['takes every image by its digest', stages.every((one) => /@\$\{\w*DIGEST\}/.test(one))],
    ['has no default for a digest', !named('ARG').some((one) => /DIGEST=/.test(one))],
    ['runs as a user by number, not as root', /^[1-9]\d*:[1-9]\d*$/.test(lastOf('USER'))],
    ['starts in exec form under tini', lastOf('ENTRYPOINT').startsWith('["/usr/bin/tini", "--", ')],
    [
      'has no ADD and fetches nothing by hand',
      named('ADD').length === 0 && !/\b(curl|wget)\b/.test(dockerfile),
    ],
    ['copies no whole context', !named('COPY').some((one) => /^\.\/? /.test(one))],
    [
      'installs no recommended packages, and leaves no lists',
      named('RUN').every(
        (one) =>
          !one.includes('apt-get install') ||
          (one.includes('--no-install-recommends') && one.includes('rm -rf /var/lib/apt/lists')),
      ),
    ],
    [
      'runs no scripts of packages',
      named('RUN').every((one) => !/npm (ci|prune)/.test(one) || one.includes('--ignore-scripts')),
    ],
    [
      'names no secret',
      ![...named('ARG'), ...named('ENV')].some((one) => /TOKEN|SECRET|PASSWORD|KEY/i.test(one)),
    ],
    [
      'ships no sources and no development packages',
      last
        .filter(({ name }) => name === 'COPY')
        .every(({ text }) => text.startsWith('--from=') || text.startsWith('factory/entry.sh ')),
    ],
  ];
  return rules.filter(([, holds]) => !holds).map(([rule]) => rule);
}

const dockerfile = readFileSync('factory/Dockerfile', 'utf8');

describe('the Dockerfile', () => {
  it('keeps all rules', () => {
    expect(lint(dockerfile)).toEqual([]);
  });

  it.each([
    ['USER 10001:10001', 'USER root', 'runs as a user by number, not as root'],
    ['ARG NODE_DIGEST\n', 'ARG NODE_DIGEST=sha256:0\n', 'has no default for a digest'],
    ['@${NODE_DIGEST} AS run', ':latest AS run', 'takes every image by its digest'],
    ['COPY shared/ shared/', 'COPY . .', 'copies no whole context'],
    ['VOLUME /data', 'ENV API_TOKEN=x', 'names no secret'],
    ['"/usr/bin/tini", "--", ', '', 'starts in exec form under tini'],
  ])('is refused with %j as %j', (from, to, rule) => {
    expect(dockerfile).toContain(from);
    expect(lint(dockerfile.replace(from, to))).toContain(rule);
  });

  it('copies only what is there and not ignored', () => {
    const kept = readFileSync('factory/Dockerfile.dockerignore', 'utf8')
      .split('\n')
      .slice(1)
      .filter(Boolean)
      .map((line) => line.slice(1));
    const copied = instructionsOf(dockerfile)
      .filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from'))
      .flatMap(({ text }) => text.split(/\s+/).slice(0, -1));
    expect(copied.length).toBeGreaterThan(3);
    expect(copied.filter((source) => !existsSync(source))).toEqual([]);
    const isKept = (source: string): boolean =>
      kept.some((one) => source.replace(/\/$/, '') === one || source.startsWith(`${one}/`));
    expect(copied.filter((source) => !isKept(source))).toEqual([]);
  });
});

async function enter(
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<{ code: number | null; said: string }> {
  const child = spawn('sh', ['factory/entry.sh', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', ALLOW_ROOT: '1', ...env },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'exit')) as [number | null];
  return { code, said };
}

describe('the entry script', () => {
  it('enrols with a token from a file, works, and writes into its data folder alone', async () => {
    using folder = new TemporaryFolder();
    await using plane = await ControlPlane.start();
    plane.enrolments.add('one-time-token');
    const token = path.join(folder.path, 'enrolment');
    writeFileSync(token, 'one-time-token\n');
    const repository = createRepository(folder.path);
    const claim = claimOf({ repo: repository.path, body: 'echo "$HOME" > home; env' });
    const data = path.join(folder.path, 'data');
    mkdirSync(data);
    const ended = enter(
      { DATA: data, ENROLMENT_FILE: token, GIGAFACTORY_API: plane.url, AQ_FLEET_ROUTE: 'poll' },
      ['--name', 'boxed', '--once'],
    );
    await plane.until(() => plane.claimRequests.length > 0);
    plane.ready.push(claim);
    const { code, said } = await ended;
    expect([code, said]).toEqual([0, expect.stringContaining('"message":"run finished"')]);
    expect(repository.show(`aq/${claim.job.jobId}`, 'home')).toBe(path.join(data, 'home'));
    expect(said + plane.run(claim).log.toString()).not.toContain('one-time-token');
    expect(existsSync(path.join(data, 'factory', 'repos'))).toBe(true);
  });

  it.each([
    [{ EXTRA_CA_FILE: '/nowhere.pem' }, 'EXTRA_CA_FILE names /nowhere.pem, which cannot be read'],
    [{ ENROLMENT_FILE: '/nowhere' }, 'ENROLMENT_FILE names /nowhere, which cannot be read'],
    [{ DATA: '/proc/nowhere' }, '/proc/nowhere cannot be written by user'],
  ])('with %o says what is missing', async (env, words) => {
    using folder = new TemporaryFolder();
    const { code, said } = await enter({ DATA: folder.path, ...env });
    expect([code, said]).toEqual([2, expect.stringContaining(words)]);
  });

  it.runIf(process.getuid?.() === 0)('does not run as root', async () => {
    using folder = new TemporaryFolder();
    const { code, said } = await enter({ DATA: folder.path, ALLOW_ROOT: '' });
    expect([code, said]).toEqual([2, expect.stringContaining('does not run as root')]);
  });

  it('can be run', () => {
    expect(statSync('factory/entry.sh').mode & 0o111).not.toBe(0);
  });
});
