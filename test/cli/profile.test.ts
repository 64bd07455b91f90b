import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PRODUCT, startCliSystem, type Answer, type CliSystem } from './system.js';

let system: CliSystem;
beforeAll(async () => {
  system = await startCliSystem();
}, 60_000);
afterAll(() => system.close());
const aq = (...args: string[]): Promise<Answer> => system.aq(args);
const json = async (...args: string[]): Promise<unknown> =>
  JSON.parse((await aq(...args, '--json')).stdout) as unknown;

const CATALOGUE = [
  'backend-engineer',
  'developer',
  'docs-writer',
  'frontend-engineer',
  'planner',
  'qa',
  'reviewer',
  'ui-designer',
  'ux-designer',
];

describe('aq profile', () => {
  it('lists the catalogue for a product that has none of its own', async () => {
    const { code, stdout } = await aq('profile', 'list');
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^PROFILE +VERSION +OF +FOR$/);
    expect(lines.slice(1).map((line) => line.split(/ +/, 3).join(' '))).toEqual(
      CATALOGUE.map((name) => `${name} 1 catalogue`),
    );
    expect(await json('profile', 'list')).toMatchObject({ profiles: CATALOGUE.map((name) => ({ name })) });
  });

  it('shows who it is for, its limits and its persona', async () => {
    const { stdout } = await aq('profile', 'show', 'qa');
    expect(stdout).toMatch(/^QA engineer\n/);
    expect(stdout).toMatch(/\nprofile +qa, version 1, of the catalogue\n/);
    expect(stdout).toMatch(/\nallowed-scope +test\/\*\*, /);
    expect(stdout).toMatch(/\nYou are a senior QA engineer\./);
    expect(await json('profile', 'show', 'qa')).toMatchObject({ name: 'qa', version: 1, productId: 'fleet' });
  });

  it('is shown as a file, edited, and put as the product’s own; the catalogue keeps its one', async () => {
    const text = (await aq('profile', 'show', 'qa', '--file')).stdout;
    const file = await system.file('qa.md', text.replace(/^title: .*$/m, 'title: QA of the shop'));
    const put = await aq('profile', 'put', 'qa', file, '-m', 'the shop is different');
    expect(put).toEqual({
      code: 0,
      stdout: `qa is at version 1 now; for ${PRODUCT} it hides the catalogue's; jobs in flight keep theirs\n`,
      stderr: '',
    });
    expect((await aq('profile', 'list')).stdout).toMatch(new RegExp(`\nqa +1 +${PRODUCT} `));
    expect((await aq('profile', 'list', '--catalogue')).stdout).toMatch(/\nqa +1 +catalogue /);
    expect((await aq('profile', 'show', 'qa')).stdout).toMatch(/^QA of the shop\n/);
    expect((await aq('profile', 'show', 'qa', '--catalogue')).stdout).toMatch(/^QA engineer\n/);
  });

  it('says the same again without a new version, and keeps every version with who and why', async () => {
    const text = (await aq('profile', 'show', 'developer', '--file')).stdout;
    const put = (title: string, note: string): Promise<Answer> =>
      system.aq(['profile', 'put', 'developer', '-', '-m', note], {
        stdin: text.replace(/^title: .*$/m, `title: ${title}`),
      });
    expect((await put('First', 'one')).stdout).toContain('at version 1 now');
    expect((await put('Second', 'two')).stdout).toContain('at version 2 now');
    expect((await put('Second', 'three')).stdout).toBe('developer is at version 2, and says that already\n');
    const lines = (await aq('profile', 'history', 'developer')).stdout.trimEnd().split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/^VERSION +AT +BY +WHY$/),
      expect.stringMatching(/^2 +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\S.* two$/),
      expect.stringMatching(/^1 +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\S.* one$/),
    ]);
    expect(await json('profile', 'history', 'developer')).toMatchObject({
      profiles: [
        { version: 2, note: 'two' },
        { version: 1, note: 'one' },
      ],
    });
    expect((await aq('profile', 'show', 'developer', '--version', '1')).stdout).toMatch(/^First\n/);
  });

  it('refuses a file with mistakes, each with its line, and keeps nothing of it', async () => {
    const file = await system.file(
      'bad.md',
      '---\ntitel: X\nsummary: y\npush-policy: sometimes\n---\nYou.\n',
    );
    const { code, stderr } = await aq('profile', 'put', 'reviewer', file);
    expect(code).toBe(2);
    expect(stderr).toMatch(/bad\.md:2:1: .*titel.*did you mean "title"/);
    expect(stderr).toMatch(/bad\.md:4:\d+: push-policy/);
    expect(await json('profile', 'show', 'reviewer')).toMatchObject({ version: 1, productId: 'fleet' });
  });

  it('that a repository names has to be there', async () => {
    const check = async (name: string) => {
      await writeFile(path.join(system.folder, '.gigafactory.yaml'), `profile: ${name}\n`);
      return aq('repo', 'check');
    };
    expect(await check('qa')).toMatchObject({ code: 0, stderr: '' });
    const { code, stderr } = await check('wizard');
    expect(code).toBe(2);
    expect(stderr).toMatch(/\.gigafactory\.yaml: there is no profile wizard; expected one of .*qa/);
  });

  it.each([
    [['show', 'wizard'], 3, 'there is no profile wizard'],
    [['show', 'qa', '--version', '99'], 3, 'qa has no version 99'],
    [['history', 'wizard'], 3, 'there is no profile wizard'],
    [['put', 'qa', 'nowhere.md'], 2, 'There is no file nowhere.md'],
    [['put', 'qa'], 2, 'file'],
    [['show'], 2, 'name'],
  ])('refuses %j', async (args, expected, why) => {
    const { code, stderr } = await aq('profile', ...args);
    expect([code, stderr]).toEqual([expected, expect.stringContaining(why)]);
  });

  it('tells a program what was refused', async () => {
    const { code, stderr } = await aq('profile', 'show', 'wizard', '--json');
    expect([code, JSON.parse(stderr)]).toEqual([
      3,
      { error: expect.objectContaining({ code: 'not-found', name: 'wizard' }) as unknown },
    ]);
  });
});
