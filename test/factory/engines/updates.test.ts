/** No engine updates itself in a run; one that is exchanged all the same is told of. */
import { expect, test } from 'vitest';
import { claude, claudeAdapter } from '../../../factory/engines/claude.js';
import type { CliAdapter } from '../../../factory/engines/cli.js';
import { codexAdapter } from '../../../factory/engines/codex.js';
import { copilotAdapter } from '../../../factory/engines/copilot.js';
import { geminiAdapter } from '../../../factory/engines/gemini.js';
import { opencodeAdapter } from '../../../factory/engines/opencode.js';
import { FakeCli } from './fakeCli.js';

const call = (adapter: CliAdapter) => {
  const { args, env } = adapter.command({
    worktree: '/work',
    scratch: '/scratch',
    env: {},
    yolo: false,
    model: undefined,
    more: [],
    session: { id: 'a-session', resume: false },
    usd: undefined,
  });
  return { args: args.join(' '), env };
};

test.each([
  [claudeAdapter, { env: { DISABLE_AUTOUPDATER: '1' } }],
  [codexAdapter, { args: expect.stringContaining('-c check_for_update_on_startup=false') as unknown }],
  [
    copilotAdapter,
    { args: expect.stringContaining('--no-auto-update') as unknown, env: { COPILOT_AUTO_UPDATE: 'false' } },
  ],
  [opencodeAdapter, { env: { OPENCODE_DISABLE_AUTOUPDATE: '1' } }],
  // It looks for updates where it draws its own screen only, which `-p` keeps it from.
  [geminiAdapter, { args: expect.stringMatching(/^-p /) as unknown }],
])('$name is told not to update itself', (adapter, expected) => {
  expect(call(adapter)).toMatchObject(expected);
});

const ENDS = `echo '{"type":"result","subtype":"success","is_error":false,"modelUsage":{}}'`;

test.each([
  ['in place', 'cp "$0" "$0.new"; mv "$0.new" "$0"'],
  ['through its link', 'cp "$0" "$HERE/2.0"; chmod +x "$HERE/2.0"; ln -sf "$HERE/2.0" "$0"'],
])('an engine that is exchanged %s while it works is told of in the log', async (_, script) => {
  using cli = new FakeCli('claude', `${script}; ${ENDS}`);
  expect((await cli.run(claude)).kind).toBe('completed');
  expect(cli.log).toMatch(/claude \(.*\) is not the program that this run began with/);
});

test('an engine that stays what it is is not', async () => {
  using cli = new FakeCli('claude', ENDS);
  expect((await cli.run(claude)).kind).toBe('completed');
  expect(cli.log).not.toContain('is not the program');
});
