import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCliSystem, type Answer, type CliSystem } from './system.js';

let system: CliSystem;
beforeAll(async () => {
  system = await startCliSystem();
}, 60_000);
afterAll(() => system.close());
const aq = (...args: string[]): Promise<Answer> => system.aq(args);

describe('a budget', () => {
  it('is shown without ceilings as long as nobody set any', async () => {
    const { stdout, code } = await aq('budget', 'show');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^shop: open\nWINDOW +SPENT +CEILING +LEFT\n\d{4}-\d\d-\d\d +\$0\.00 +none +–\n/);
    expect(stdout).toContain('a job without a budget counts as $5.00');
  });

  it('is set, one ceiling at a time, and taken away', async () => {
    expect((await aq('budget', 'set', '--day', '$20', '--month', '300')).stdout).toMatch(
      /\$0\.00 +\$20\.00 +\$20\.00\n/,
    );
    const answer = JSON.parse((await aq('budget', 'set', '--day', 'none', '--json')).stdout) as object;
    expect(answer).toMatchObject({ windows: [{ window: 'day' }, { window: 'month', ceilingUsd: 300 }] });
    expect((answer as { windows: object[] }).windows[0]).not.toHaveProperty('ceilingUsd');
  });

  it.each([
    [['--day', 'lots'], '--day is “lots”; expected dollars such as 20 or 2.50, or none.'],
    [['--month', '0'], '--month is “0”'],
    [['--assume', 'none'], 'cannot be taken to cost'],
    [[], 'Nothing to set'],
  ])('refuses %j', async (args, why) => {
    const { code, stderr } = await aq('budget', 'set', ...args);
    expect(code).toBe(2);
    expect(stderr).toContain(why);
  });

  it('is told day by day with its forecast', async () => {
    const { stdout } = await aq('budget', 'burndown', '--days', '3');
    expect(stdout.split('\n')[0]).toMatch(/^DAY +SPENT +RUNS/);
    expect(stdout.match(/^\d{4}-\d\d-\d\d +\$0\.00 +0 runs/gm)).toHaveLength(3);
    expect(stdout).toContain('this month: $0.00 of $300.00 expected');
  });

  it('pauses its product, which then shows why nothing is claimed, and resumes it', async () => {
    expect((await aq('budget', 'pause', '-m', 'the invoice is open')).stdout).toBe(
      'shop is paused: no job of it is claimed\n',
    );
    expect((await aq('budget', 'show')).stdout).toContain('shop: paused: the invoice is open');
    const { job } = await system.admin.submitJob({
      body: { productId: 'shop', text: '---\ntitle: T\n---\nx' },
    });
    expect((await aq('explain', job.jobId)).stdout).toContain(
      'Waits: product shop is paused (the invoice is open).',
    );
    expect((await aq('budget', 'resume')).stdout).toBe('shop goes on\n');
    expect((await aq('budget', 'show')).stdout).toContain('shop: open');
  });
});
