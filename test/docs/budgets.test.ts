// Runs the commands of docs/guides/budgets.md, one after the other.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ManifestSchema } from '../../shared/contract/manifest.js';
import { parse } from 'yaml';
import { startCliSystem, type CliSystem } from '../cli/system.js';

const guide = readFileSync('docs/guides/budgets.md', 'utf8');
const blocks = (language: string): string[] =>
  [...guide.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text = '']) => text);
const commands = blocks('sh').flatMap((text) => text.trim().split('\n'));

let system: CliSystem;
beforeAll(async () => {
  system = await startCliSystem();
}, 60_000);
afterAll(() => system.close());

it('the guide to budgets has commands', () => expect(commands.length).toBeGreaterThan(10));

it.each(commands)('%s', async (command) => {
  const [program, ...args] = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(
    (word) => word[1] ?? word[2] ?? '',
  );
  expect(program).toBe('aq');
  expect(await system.aq(args)).toMatchObject({ code: 0, stderr: '' });
});

it('the budget of a job is one that the contract reads', () => {
  const [front = ''] = blocks('yaml');
  const fields = parse(front) as Record<string, unknown>;
  expect(ManifestSchema.parse({ ...fields, body: 'x' }).budget).toEqual({
    usd: 3,
    tokens: 2_000_000,
    wall: 2700,
  });
});
