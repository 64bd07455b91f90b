import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PRODUCT, startCliSystem, type Answer, type CliSystem } from './system.js';

let system: CliSystem;
beforeAll(async () => {
  system = await startCliSystem();
}, 60_000);
afterAll(() => system.close());
const aq = (...args: string[]): Promise<Answer> => system.aq(args);

/** A folder of job files. @returns its name */
const folder = async (name: string, files: Record<string, string>): Promise<string> => {
  await mkdir(path.join(system.folder, name));
  await Promise.all(Object.entries(files).map(([file, text]) => system.file(path.join(name, file), text)));
  return name;
};
const composite = async (): Promise<string> => {
  const text = '---\ntitle: Invoices\nkind: composite\n---\nall of it\n';
  const { job } = await system.admin.submitJob({ body: { productId: PRODUCT, text } });
  return job.jobId;
};
const ROADMAP = {
  '01-api.md': '---\ntitle: The API\n---\necho api\n',
  '02-page.md': '---\ntitle: The page\ndeps: [01-api@testing]\n---\necho page\n',
  'notes.txt': 'no job\n',
};
const childrenOf = async (jobId: string): Promise<number> => {
  const { jobs } = await system.admin.getDag({ params: { jobId } });
  return jobs.length - 1;
};

describe('aq children add', () => {
  it('makes one child of each job file in a folder, and aq dag shows them below what they wait for', async () => {
    const parent = await composite();
    const { code, stdout } = await aq('children', 'add', parent, await folder('roadmap', ROADMAP));
    expect(code).toBe(0);
    const [, api, page] =
      /^job-\w+ has 2 children now\n(job-\w+) +01-api\n(job-\w+) +02-page\nwatch them: aq dag job-\w+\n$/.exec(
        stdout,
      ) ?? [];
    expect(stdout).toContain(`watch them: aq dag ${parent}`);

    // Nobody claims the composite: pools and requirements would only mislead.
    const explained = (await aq('explain', parent)).stdout;
    expect(explained).toMatch(
      /^Waits for its children: 0 of 2 shipped, open 0[12]-\w+ \(queued\), 0[12]-\w+ \(queued\)\.\n\nWhat would let it go on: 0[12]-\w+ placed \(aq explain job-\w+\), then the end of 1 more\n/,
    );
    expect(explained).toMatch(/\nWAITS FOR +STAGE +UNTIL IT IS +NAME\n/);
    expect(explained).toMatch(new RegExp(`\n${page} +queued +ended +02-page(\n|$)`));
    expect(explained).not.toMatch(/POOL|lane/);
    expect((await aq('show', parent)).stdout).not.toMatch(/^(requires|engine|verify) /m);

    const dag = await aq('dag', parent.slice('job-'.length, 12));
    expect(dag.stdout.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^JOB +STAGE +TITLE +WAITS FOR$/),
      expect.stringMatching(new RegExp(`^${api} +queued +The API +–$`)),
      expect.stringMatching(new RegExp(`^${page} +queued +The page +${api}@testing$`)),
      expect.stringMatching(new RegExp(`^${parent} +queued +Invoices +its 2 children$`)),
    ]);
    const { jobs, edges } = JSON.parse((await aq('dag', page ?? '', '--json')).stdout) as Record<
      'jobs' | 'edges',
      unknown[]
    >;
    expect(jobs).toMatchObject([{ jobId: api, parent }, { jobId: page, parent }, { jobId: parent }]);
    expect(edges).toHaveLength(3);
    expect(edges).toContainEqual({ from: api, to: page, until: 'testing', met: false });
  });

  it('calls a cancelled tree cancelled, in the graph and where the parent adds up', async () => {
    const parent = await composite();
    await aq('children', 'add', parent, await folder('dropped', ROADMAP));
    expect((await aq('cancel', parent, '--reason', 'dropped')).code).toBe(0);
    const dag = (await aq('dag', parent)).stdout;
    expect(dag.match(/ cancelled /g)).toHaveLength(3);
    expect(dag).not.toContain('failed');
    expect((await aq('show', parent)).stdout).toContain('2 jobs below: 2 cancelled;');
  });

  it('tells a program the same, remembers --fail-fast, and changes nothing when it is said again', async () => {
    const parent = await composite();
    const file = await system.file('only.md', '---\ntitle: Only\n---\necho 1\n');
    const add = async (): Promise<unknown> =>
      JSON.parse((await aq('children', 'add', parent, file, '--fail-fast', '--json')).stdout);
    const first = await add();
    expect(first).toMatchObject({
      job: { jobId: parent, children: { count: 1, onFailure: 'fail-fast' } },
      children: [{ key: 'only', jobId: expect.stringMatching(/^job-/) as unknown }],
    });
    expect(await add()).toMatchObject({ children: (first as { children: unknown }).children });
    expect(await childrenOf(parent)).toBe(1);
  });

  it('adds none of them when one is not valid, and names its file, line and mistake', async () => {
    const parent = await composite();
    const files = { 'a.md': ROADMAP['01-api.md'], 'b.md': '---\ntitel: B\n---\nx\n' };
    const { code, stderr } = await aq('children', 'add', parent, await folder('mixed', files));
    expect(code).toBe(2);
    expect(stderr).toMatch(/^ {2}mixed\/b\.md:2:1: .*titel.*did you mean "title"/m);
    expect(await childrenOf(parent)).toBe(0);
  });

  it('tells all that is wrong with a plan at once, with file, line and column', async () => {
    const parent = await composite();
    const files = {
      'one.md': '---\ntitel: B\ndeps: [two]\n---\nx\n',
      'two.md': '---\ntitle: C\ndeps: [one]\n---\nx\n',
      'three.md': '---\ntitle: D\ndeps: [zz]\n---\nx\n',
    };
    const { code, stderr } = await aq('children', 'add', parent, await folder('many', files));
    expect(code).toBe(2);
    expect(stderr).toMatch(/^ {2}many\/one\.md:2:1: .*titel.*did you mean "title"/m);
    expect(stderr).toMatch(/^ {2}many\/(one|two)\.md:3:7: deps: a cycle: (one → two|two → one)/m);
    expect(stderr).toMatch(/^ {2}many\/three\.md:3:7: deps: zz is no sibling/m);
    const drawn = (await aq('manifest', 'graph', 'many')).stderr;
    expect(drawn).toMatch(/titel[^]*a cycle: /);
  });

  it('says what only the API knows of a child in the words of its file too', async () => {
    const parent = await composite();
    const files = { 'c.one.md': '---\ntitle: C\nprofile: nobody\n---\nx\n' };
    const { code, stderr } = await aq('children', 'add', parent, await folder('unknown', files));
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('unknown/c.one.md:3:10: profile: there is no'),
    ]);
  });

  it('refuses a cycle among the children, with the cycle', async () => {
    const parent = await composite();
    const files = { 'x.md': '---\ndeps: [y]\n---\nx\n', 'y.md': '---\ndeps: [x]\n---\ny\n' };
    const { code, stderr } = await aq('children', 'add', parent, await folder('cycle', files));
    expect([code, stderr]).toEqual([2, expect.stringMatching(/cycle: (x → y → x|y → x → y)/)]);
    expect(await childrenOf(parent)).toBe(0);
  });

  it('refuses a child with an idempotency key, a key twice, and a file that is not there', async () => {
    const parent = await composite();
    const keyed = await system.file('keyed.md', '---\nidempotency-key: k\n---\nx\n');
    await folder('one', { 'same.md': 'a\n' });
    await folder('two', { 'same.md': 'b\n' });
    const cases = [
      { files: [keyed], why: 'leave its idempotency-key out' },
      { files: ['one', 'two'], why: 'two/same.md: another file has the key same already' },
      { files: ['nowhere.md'], why: 'There is no file nowhere.md' },
    ];
    for (const { files, why } of cases) {
      const { code, stderr } = await aq('children', 'add', parent, ...files);
      expect([code, stderr]).toEqual([2, expect.stringContaining(why)]);
    }
    expect(await childrenOf(parent)).toBe(0);
  });

  it('refuses a parent that is no composite, and one that is not there', async () => {
    const { job } = await system.admin.submitJob({ body: { productId: PRODUCT, text: 'x' } });
    const file = await system.file('child.md', 'x\n');
    const refused = await aq('children', 'add', job.jobId, file, '--json');
    expect(refused.code).toBe(4);
    expect(JSON.parse(refused.stderr)).toMatchObject({
      error: { code: 'illegal-transition', message: expect.stringContaining('composite') as unknown },
    });
    expect((await aq('children', 'add', job.jobId, file)).stderr).toContain(
      `cannot add children to ${job.jobId}: it is not a composite; submit a job with \`kind: composite\``,
    );
    const cancelled = await composite();
    await aq('cancel', cancelled);
    expect((await aq('children', 'add', cancelled, file)).stderr).toContain(
      'it is in failed; requeue it first',
    );
    expect((await aq('children', 'add', 'job-0000000000000000', file)).code).toBe(3);
  });
});

describe('aq dag', () => {
  it('of a job alone is one line; of none, exit code 3', async () => {
    const text = '---\ntitle: Alone\n---\nx\n';
    const { job } = await system.admin.submitJob({ body: { productId: PRODUCT, text } });
    expect((await aq('dag', job.jobId)).stdout).toMatch(
      new RegExp(`^JOB .*\n${job.jobId} +queued +Alone +–\n$`),
    );
    expect(await aq('dag', 'job-0000000000000000')).toMatchObject({ code: 3, stdout: '' });
    expect((await aq('dag', 'no job')).code).toBe(2);
  });
});
