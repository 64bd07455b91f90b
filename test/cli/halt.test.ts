import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCliSystem, type Answer, type CliSystem } from './system.js';

let system: CliSystem;
beforeAll(async () => {
  system = await startCliSystem();
}, 60_000);
afterAll(() => system.close());
const aq = (...args: string[]): Promise<Answer> => system.aq(args);

describe('aq halt', () => {
  it('throws a switch, lists what is halted, and lifts it', async () => {
    expect((await aq('halt')).stdout).toBe('Nothing is halted.\n');
    expect((await aq('halt', 'pool:mac', '-m', 'broken toolchain')).stdout).toMatch(
      /^HALTED +SINCE +BY +REASON\npool:mac +\d+ s ago +\S.* broken toolchain\n$/,
    );
    expect(JSON.parse((await aq('halt', '--json')).stdout)).toMatchObject({
      on: [{ scope: 'pool:mac', reason: 'broken toolchain' }],
    });
    expect((await aq('halt', 'pool:mac', '--lift')).stdout).toBe('Nothing is halted.\n');
    expect((await aq('halt', '--history')).stdout).toMatch(
      /^AT +ACTION +SCOPE +BY +REASON\n\S+Z +lift +pool:mac +\S+ *\n\S+Z +halt +pool:mac +\S.* broken toolchain\n$/,
    );
  });

  it('is told to whoever submits meanwhile, and how it is lifted; so is a pause of the product', async () => {
    const file = await system.file('meanwhile.md', '---\ntitle: Meanwhile\n---\necho 1\n');
    const said = async (): Promise<string> => (await aq('submit', file)).stderr;
    await aq('halt', 'fleet', '-m', 'incident');
    expect(await said()).toMatch(
      /stays queued\. Waits: fleet is halted \(incident\)\..*the halt of fleet lifted \(aq halt fleet --lift\)/,
    );
    await aq('halt', 'fleet', '--lift');
    await aq('budget', 'pause', '-m', 'the invoice is open');
    expect(await said()).toMatch(
      /product shop is paused \(the invoice is open\)\..*the pause of shop ended \(aq budget resume -p shop\)/,
    );
    await aq('budget', 'resume');
  });

  it('refuses to lift what cannot be halted, and records nothing; its history says lift, as the command does', async () => {
    const before = (await aq('halt', '--history')).stdout;
    const { code, stderr } = await aq('halt', 'product:nope', '--lift');
    expect([code, stderr]).toEqual([3, expect.stringContaining('nope')]);
    expect((await aq('halt', 'product:nope')).code).toBe(3);
    expect((await aq('halt', '--history')).stdout).toBe(before);
    expect(before).toMatch(/ lift +fleet /);
    expect(before).not.toContain('resume');
  });

  it.each([
    [['halt', 'everything'], 'expected fleet, pool:<name> or product:<id>'],
    [['halt', 'pool:cellar'], 'there is no pool cellar'],
    [['halt', '--lift'], 'Which scope?'],
  ])('refuses %j', async (args, why) => {
    const { code, stderr } = await aq(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(why);
  });
});
