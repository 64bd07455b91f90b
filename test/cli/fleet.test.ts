import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { complete, SCRIPTS } from '../../cli/completion.js';
import {
  aq as bareAq,
  enrolTestFactory,
  PRODUCT,
  startCliSystem,
  type Answer,
  type CliSystem,
} from './system.js';

let system: CliSystem;
beforeAll(async () => {
  system = await startCliSystem();
}, 60_000);
afterAll(() => system.close());
const aq = (...args: string[]): Promise<Answer> => system.aq(args);

describe('the fleet', () => {
  it('is listed, once somebody enrolled', async () => {
    expect((await aq('factories')).stdout).toBe('No factories. Enrol one with: aq enrol\n');
    const factory = await enrolTestFactory(system, 'worker');
    const { stdout } = await aq('factories');
    expect(stdout).toMatch(new RegExp(`${factory.id} +online +0/4 +\\d+ s ago +\\S.* os:linux engine:shell`));
    expect(JSON.parse((await aq('factories', '--json')).stdout)).toMatchObject({
      factories: [{ id: factory.id, advertises: ['os:linux', 'engine:shell'] }],
    });
  });

  it('grows by a one-time token with the command to use it in', async () => {
    const { stdout, code } = await aq('enrol', '--product', PRODUCT, '--expires', '1h');
    expect(code).toBe(0);
    const token = stdout.split('\n')[0] ?? '';
    expect(stdout).toContain(`GIGAFACTORY_API=${system.apiUrl}`);
    expect(stdout).toContain(`GIGAFACTORY_ENROLMENT=${token}`);
    const { enrolmentToken, expiresAt } = JSON.parse((await aq('enrol', '--json')).stdout) as Record<
      string,
      string
    >;
    expect(enrolmentToken).not.toBe(token);
    expect(Date.parse(expiresAt ?? '')).toBeGreaterThan(Date.now());
    expect(await aq('enrol', '--expires', 'soon')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('“soon” is not a duration') as unknown,
    });
  });

  it('tells its health, part by part, and by the exit code', async () => {
    const answer = await aq('health', '--json');
    const { status, parts } = JSON.parse(answer.stdout) as {
      status: string;
      parts: { part: string; ok: boolean }[];
    };
    expect(parts.map(({ part }) => part)).toEqual(['cosmos', 'service-bus', 'blobs']);
    const well = parts.every(({ ok }) => ok);
    expect([status, answer.code]).toEqual(well ? ['ok', 0] : ['degraded', 5]);
    expect((await aq('health')).stdout).toMatch(/^(ok|degraded), version \S+\ncosmos +ok/);
  });
});

describe('a product', () => {
  it('is put from a file, and what is shown can be put again', async () => {
    const file = await system.file('web.yaml', 'name: Web\ndefaults:\n  repo: /r/web.git\n');
    expect((await aq('product', 'put', file, '-p', 'web')).stdout).toBe('product web is saved\n');
    const shown = (await aq('product', 'show', 'web')).stdout;
    expect(shown).toContain('productId: web\nname: Web\n');
    const again = await system.aq(['product', 'put', '-', '--json'], { stdin: shown });
    expect(JSON.parse(again.stdout)).toMatchObject({ productId: 'web', defaults: { repo: '/r/web.git' } });
    const jsonShown = (await aq('product', 'show', 'web', '--json')).stdout;
    expect((await system.aq(['product', 'put', '-'], { stdin: jsonShown })).code).toBe(0);
  });

  it('is listed with those that one may look at, in words and as JSON', async () => {
    const { products } = JSON.parse((await aq('product', 'list', '--json')).stdout) as {
      products: { productId: string }[];
    };
    expect(products.map(({ productId }) => productId)).toContain('web');
    expect((await aq('product', 'list')).stdout).toMatch(/^web +Web *$/m);
  });

  it('that is not valid has every problem told with its line', async () => {
    const file = await system.file(
      'bad.yaml',
      'name: ""\ntracker:\n  kind: github\n  repository: nonsense\n',
    );
    const { code, stderr } = await aq('product', 'put', file, '-p', 'bad');
    expect(code).toBe(2);
    expect(stderr).toContain('bad.yaml:1:7: name');
    expect(stderr).toContain('bad.yaml:4:15: tracker.repository');
    const broken = await system.file('broken.yaml', 'name: [\n');
    expect((await aq('product', 'put', broken, '-p', 'bad')).stderr).toMatch(/broken\.yaml:\d+:\d+/);
    const list = await system.file('list.yaml', '- a\n');
    expect((await aq('product', 'put', list, '-p', 'bad')).stderr).toContain('not a map of fields');
  });

  it('is not found when nobody put it', async () => {
    expect((await aq('product', 'show', 'nowhere')).code).toBe(3);
  });
});

describe('completion', () => {
  it('offers commands, options, their choices and job ids', async () => {
    const { job } = await system.admin.submitJob({
      body: { productId: PRODUCT, text: '---\ntitle: T\n---\nx' },
    });
    const offered = async (...words: string[]): Promise<string[]> => {
      const { stdout, code } = await aq('__complete', '--', ...words);
      expect(code).toBe(0);
      return stdout.split('\n').filter(Boolean);
    };
    expect(await offered('sh')).toEqual([expect.stringMatching(/^show\t/), expect.stringMatching(/^ship\t/)]);
    expect(await offered('product', '')).toHaveLength(3);
    expect(await offered('list', '--sta')).toEqual([expect.stringMatching(/^--stage\t/)]);
    expect(await offered('list', '--stage', 'dead')).toEqual(['dead_letter\t']);
    expect(await offered('show', 'job-')).toEqual([`${job.jobId}\tqueued: T`]);
    expect(await offered('show', job.jobId, '')).toEqual([]);
    expect(await offered('completion', 'z')).toEqual(['zsh\t']);
    expect(await offered('list', '--json', '--con')).toEqual([expect.stringMatching(/^--connection\t/)]);
  });

  it('offers nothing, and says nothing, without a connection', async () => {
    expect(await bareAq(['__complete', '--', 'show', ''], { cwd: '/' })).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  it('has a script for each shell, which calls back', async () => {
    for (const [shell, script] of Object.entries(SCRIPTS)) {
      expect((await bareAq(['completion', shell])).stdout).toBe(script);
      expect(script).toContain('aq __complete --');
    }
    expect((await bareAq(['completion', 'tcsh'])).code).toBe(2);
    expect(complete).toBeTypeOf('function');
  });
});

describe('aq factories drain and revoke', () => {
  const statusOf = async (factoryId: string): Promise<string | undefined> =>
    (await system.admin.listFactories()).factories.find(({ id }) => id === factoryId)?.status;
  const running = async (name: string) => {
    const factory = await enrolTestFactory(system, name);
    await system.admin.submitJob({ body: { productId: PRODUCT, text: `---\ntitle: of ${name}\n---\nx` } });
    const { job } = await factory.claim();
    return { factory, jobId: job.jobId };
  };

  it('drain asks a factory to go away, names what it gives back, and is undone', async () => {
    const { factory, jobId } = await running('leaving');
    expect(await aq('factories', 'drain', factory.id, '-m', 'a new disk')).toEqual({
      code: 0,
      stdout: `${factory.id} gets nothing more\n  ${jobId} goes back with its next renewal\n`,
      stderr: '',
    });
    expect((await aq('factories')).stdout).toMatch(new RegExp(`${factory.id} +draining`));
    const undone = await aq('factories', 'drain', factory.id, '--undo');
    expect([undone.code, undone.stdout]).toEqual([0, `${factory.id} may have work again\n`]);
    expect(await statusOf(factory.id)).toBe('online');
    const told = JSON.parse((await aq('factories', 'drain', factory.id, '--json')).stdout) as unknown;
    expect(told).toEqual({ factoryId: factory.id, jobs: [jobId] });
  });

  it('revoke throws a factory out at once, and its job is queued again', async () => {
    const { factory, jobId } = await running('stolen');
    const { code, stdout } = await aq('factories', 'revoke', factory.id, '-m', 'stolen');
    expect([code, stdout]).toEqual([
      0,
      `${factory.id} is out; it needs a new enrolment to come back.\n  ${jobId} is queued again\n`,
    ]);
    expect(await statusOf(factory.id)).toBeUndefined();
    const { job } = await system.admin.getJob({ params: { jobId } });
    expect([job.stage, job.holder]).toEqual(['queued', undefined]);
    const idle = await enrolTestFactory(system, 'idle');
    const told = await aq('factories', 'revoke', idle.id, '-m', 'old', '--json');
    expect(JSON.parse(told.stdout)).toEqual({ factoryId: idle.id, requeued: [] });
  });

  it.each([
    [['drain', 'nobody'], 3, 'there is no factory nobody; see aq factories'],
    [['drain', 'nobody', '--undo'], 3, 'there is no factory nobody'],
    [['revoke', 'nobody', '-m', 'x'], 3, 'there is no factory nobody'],
    [['revoke', 'nobody'], 2, '--reason'],
    [['drain'], 2, 'factory'],
  ])('refuses %j', async (args, expected, why) => {
    const { code, stderr } = await aq('factories', ...args);
    expect([code, stderr]).toEqual([expected, expect.stringContaining(why)]);
  });
});
