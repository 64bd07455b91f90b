import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aq } from './system.js';

const FILE = '---\npriority: high\nengine: claude\nbudget: { usd: $5 }\ntimeout: 1h\n---\nFix it.\n';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(path.join(tmpdir(), 'aq-manifest-'));
  await writeFile(path.join(cwd, 'job.md'), FILE);
  await writeFile(path.join(cwd, 'bad.md'), '---\npriority: urgent\n---\nx\n');
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

describe('aq manifest explain', () => {
  it('tells every field with its unit resolved, and which are defaults; without a connection', async () => {
    const { stdout, code } = await aq(['manifest', 'explain', 'job.md'], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^timeout +1 h$/m);
    expect(stdout).toMatch(/^budget +\$5\.00$/m);
    expect(stdout).toMatch(
      /^retry +2 times more after timeout, engine failed, lost; first after 10 s +default$/m,
    );
    expect(stdout).toMatch(/^capabilities +none +default$/m);
    expect(stdout).toMatch(/^base-branch +main +default$/m);
    expect(stdout).toMatch(/^body +1 line, /m);
    const json = JSON.parse(
      (await aq(['manifest', 'explain', 'job.md', '--json'], { cwd })).stdout,
    ) as object;
    expect(json).toMatchObject({ manifest: { timeout: 3600 }, given: expect.arrayContaining(['timeout']) });
  });

  it('tells what is wrong with a file, and where', async () => {
    const { stderr, code } = await aq(['manifest', 'explain', 'bad.md'], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain('bad.md:2:11: priority');
  });
});

describe('aq manifest fmt', () => {
  it('prints the file in its usual shape, and writes it when asked to', async () => {
    const formatted = '---\nengine: claude\ntimeout: 1h\npriority: high\nbudget: {usd: $5}\n---\nFix it.\n';
    expect((await aq(['manifest', 'fmt', 'job.md'], { cwd })).stdout).toBe(formatted);
    expect(await readFile(path.join(cwd, 'job.md'), 'utf8')).toBe(FILE);
    expect((await aq(['manifest', 'fmt', '-w', 'job.md'], { cwd })).stdout).toBe('job.md is formatted\n');
    expect(await readFile(path.join(cwd, 'job.md'), 'utf8')).toBe(formatted);
    expect((await aq(['manifest', 'fmt', '-w', 'job.md'], { cwd })).stdout).toBe(
      'job.md is as it should be\n',
    );
  });
});

describe('aq manifest validate', () => {
  it('takes a folder of job files, and refuses what is no text', async () => {
    await mkdir(path.join(cwd, 'jobs'));
    await writeFile(path.join(cwd, 'jobs', 'a.md'), '---\nengine: shell\n---\nls\n');
    await writeFile(path.join(cwd, 'jobs', 'b.md'), '---\nengin: shell\n---\nls\n');
    const { code, stdout } = await aq(['manifest', 'validate', 'jobs'], { cwd });
    expect(code).toBe(2);
    expect(stdout).toMatch(/^ok +jobs\/a\.md$/m);
    expect(stdout).toMatch(/jobs\/b\.md:2:1: engin/);
    for (const bytes of [
      [0x6c, 0x73, 0],
      [0x6c, 0xff, 0xfe],
    ]) {
      await writeFile(path.join(cwd, 'c.md'), Buffer.from(bytes));
      const refused = await aq(['manifest', 'validate', 'c.md'], { cwd });
      expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('c.md is no text')]);
    }
    const nul = await aq(['manifest', 'validate', '-'], { cwd, stdin: 'ls\nab\0c' });
    expect([nul.code, nul.stdout]).toEqual([2, expect.stringContaining(':2:3: there is a NUL character')]);
  });

  it('notes which engine a factory needs, as the file alone cannot bring it', async () => {
    const claude = await aq(['manifest', 'validate', 'job.md'], { cwd });
    expect([claude.code, claude.stdout]).toEqual([0, expect.stringContaining('engine:claude is needed')]);
    const shell = await aq(['manifest', 'validate', '-'], { cwd, stdin: '---\nengine: shell\n---\nls\n' });
    expect(shell.stdout).toBe('ok  -\n');
  });
});

describe('a file that is none', () => {
  it.each([
    ['[]', '-:1:1: the manifest is a list; expected one map of fields'],
    ['', '-:1:1: body is empty'],
    ['---\nlock: [\n---\nx', '-:2:8: something that was opened is not closed'],
    ['---\ntitle: a: b\n---\nx', '-:2:8: a second colon stands in a value; expected quotes around'],
    ['---\nengine: shell\n\ttitle: x\n---\nx', 'a tab stands in the indentation; expected blanks'],
  ])('is refused in our own words: %j', async (stdin, told) => {
    const { code, stdout } = await aq(['manifest', 'validate', '-'], { cwd, stdin });
    expect([code, stdout]).toEqual([2, expect.stringContaining(told)]);
  });

  it('may begin with a bracket as long as it is a prompt', async () => {
    const stdin = '[WIP] mend the login';
    expect((await aq(['manifest', 'validate', '-'], { cwd, stdin })).code).toBe(0);
  });
});

describe('aq manifest graph', () => {
  const folder = async (files: Record<string, string>): Promise<string> => {
    const set = await mkdtemp(path.join(cwd, 'set-'));
    for (const [name, deps] of Object.entries(files))
      await writeFile(
        path.join(set, `${name}.md`),
        `---\nengine: shell\ndeps: [${deps}]\n---\necho ${name}\n`,
      );
    return set;
  };

  it('draws what waits for what, each job in full once', async () => {
    const set = await folder({ api: '', ui: 'api', docs: 'api@testing, old', release: 'ui, docs' });
    const { stdout, code } = await aq(['manifest', 'graph', set], { cwd });
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'old (not in these files)',
      '└─▶ docs',
      '    └─▶ release',
      'api',
      '├─▶ docs ↑',
      '└─▶ ui',
      '    └─▶ release',
      '',
    ]);
  });

  it('speaks Mermaid and JSON', async () => {
    const set = await folder({ api: '', ui: 'api', docs: 'api@testing' });
    expect((await aq(['manifest', 'graph', set, '--format', 'mermaid'], { cwd })).stdout).toBe(
      'flowchart TD\n  n0["api"]\n  n1["docs"]\n  n2["ui"]\n  n0 -. tested .-> n1\n  n0 --> n2\n',
    );
    const json = JSON.parse(
      (await aq(['manifest', 'graph', set, '--format', 'json'], { cwd })).stdout,
    ) as object;
    expect(json).toMatchObject({ order: ['api', 'docs', 'ui'], edges: [{ from: 'api', to: 'docs' }, {}] });
  });

  it('names a cycle', async () => {
    const set = await folder({ start: '', a: 'c, start', b: 'a', c: 'b' });
    const { stderr, code } = await aq(['manifest', 'graph', set], { cwd });
    expect(code).toBe(2);
    expect(stderr).toMatch(/in a ring: (\w) → \w → \w → \1\./);
    expect(stderr).not.toContain('start');
  });
});
