/** What a coding-agent CLI may do wrong: each has its end, its reason, and leaves nothing behind. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { claude } from '../../../factory/engines/claude.js';
import { codex } from '../../../factory/engines/codex.js';
import { opencode } from '../../../factory/engines/opencode.js';
import { isAlive, until } from '../support/processes.js';
import { FakeCli, recorded } from './fakeCli.js';

const INIT = JSON.stringify({
  type: 'system',
  subtype: 'init',
  session_id: 'a-session',
  model: 'claude-sonnet-4-5',
});
const message = (
  id: number,
  content: object,
  usage: object = { input_tokens: 1000, output_tokens: 100 },
): string =>
  JSON.stringify({
    type: 'assistant',
    message: { id: `msg_${id}`, model: 'claude-sonnet-4-5', content: [content], usage },
  });
const toolUse = (id: number, command: string): string =>
  message(id, { type: 'tool_use', id: `t${id}`, name: 'Bash', input: { command } });
const result = (more: object): string =>
  JSON.stringify({ type: 'result', subtype: 'success', is_error: false, modelUsage: {}, ...more });
const say = (...lines: readonly string[]): string =>
  lines.map((line) => `cat <<'LINE'\n${line}\nLINE\n`).join('');

test('an engine that is not there is told with its name', async () => {
  using cli = new FakeCli('codex', 'exit 0');
  expect(await cli.run(claude)).toMatchObject({
    kind: 'unfit',
    message: 'the engine claude is not on this factory: no program claude on its PATH',
  });
  expect(cli.started).toBe(0);
});

test('the prompt comes on standard input, whatever its length, and never on the command line', async () => {
  using cli = new FakeCli(
    'claude',
    `cat > "$HERE/prompt"; echo "$@" > "$HERE/args"; ${say(INIT, result({}))}`,
  );
  expect((await cli.run(claude)).kind).toBe('completed');
  expect(cli.read('prompt')).toBe('Please do the job');
  expect(cli.read('args')).not.toContain('the job');
  expect(cli.read('args')).toMatch(
    /^-p --output-format stream-json --verbose --strict-mcp-config --session-id [0-9a-f-]{36} /,
  );
});

test('what it prints that is no event is in the log and in the reason', async () => {
  using cli = new FakeCli(
    'claude',
    `head -c 100000 /dev/zero | tr '\\0' 'x'; echo; echo '{"broken": '; echo 'cannot start: no space' >&2; exit 3`,
  );
  const end = await cli.run(claude);
  expect(end).toMatchObject({ kind: 'failed', exitCode: 3, usage: { accuracy: 'unknown' } });
  expect((end as { message: string }).message).toMatch(
    /^claude ended with exit code 3\n[\s\S]*cannot start: no space$/,
  );
  expect(cli.log).toContain('{"broken": ');
});

test('exit code 0 without a result is a failure', async () => {
  using cli = new FakeCli('claude', 'exit 0');
  expect(await cli.run(claude)).toMatchObject({
    kind: 'failed',
    message: 'claude ended with exit code 0 and without a result, and said nothing',
  });
});

test('a result that is an error fails although it is called a success', async () => {
  using cli = new FakeCli(
    'claude',
    `${say(INIT, result({ is_error: true, result: 'Something odd' }))} exit 0`,
  );
  expect(await cli.run(claude)).toMatchObject({ kind: 'failed', message: 'Something odd' });
});

test('one that hangs is ended, with its children and what it used', async () => {
  using cli = new FakeCli(
    'claude',
    `sleep 300 & echo $! > "$HERE/child"; ${say(INIT, toolUse(1, 'ls'))} sleep 300`,
  );
  const end = await cli.run(claude, { stallSeconds: 1 });
  expect(end).toMatchObject({ kind: 'ended', ceiling: 'stall', usage: { accuracy: 'estimated' } });
  const child = Number(cli.read('child'));
  await until(() => !isAlive(child));
});

test('one that ignores SIGTERM and forks is killed with all that it started', async () => {
  using cli = new FakeCli(
    'claude',
    `trap '' TERM; (trap '' TERM; setsid sleep 300 & echo $! > "$HERE/escaped"; wait) & ${say(INIT)} while :; do sleep 1; done`,
  );
  const end = await cli.run(claude, { limits: { wallSeconds: 1 } });
  expect(end).toMatchObject({ kind: 'ended', ceiling: 'wall' });
  const escaped = Number(cli.read('escaped'));
  await until(() => !isAlive(escaped));
});

test('a budget of dollars ends it while it works', async () => {
  using cli = new FakeCli(
    'claude',
    `${say(INIT)} for i in 1 2 3 4 5 6 7 8 9; do echo '${toolUse(0, 'ls')}' | sed "s/msg_0/msg_$i/; s/ls/ls $i/"; sleep 0.2; done; sleep 60`,
  );
  // A message costs 1000 x $3 + 100 x $15 a million.
  const end = await cli.run(claude, { limits: { usd: 0.01 } });
  expect(end).toMatchObject({
    kind: 'ended',
    ceiling: 'usd',
    message: 'it has cost $0.01; $0.01 were left for it',
  });
  expect((end as { usage: { usd: number } }).usage.usd).toBeCloseTo(0.0135, 4);
});

test('a budget of tokens counts cached ones too', async () => {
  using cli = new FakeCli(
    'claude',
    `${say(INIT, message(1, { type: 'text', text: 'Hm.' }, { input_tokens: 10, output_tokens: 5, cache_read_input_tokens: 5000 }))} sleep 60`,
  );
  expect(await cli.run(claude, { limits: { tokens: 5000 } })).toMatchObject({
    kind: 'ended',
    ceiling: 'tokens',
  });
});

test('one that goes round in circles is stopped, one that works on different things is not', async () => {
  const circle = `i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo '${toolUse(0, 'npm test')}' | sed "s/msg_0/msg_$i/"; echo '${toolUse(0, 'git diff')}' | sed "s/msg_0/msg_x$i/"; done`;
  using cli = new FakeCli('claude', `${say(INIT)} ${circle}; sleep 60`);
  expect(await cli.run(claude)).toMatchObject({
    kind: 'ended',
    ceiling: 'loop',
    message: expect.stringContaining('the same 2'),
  });
  const work = `i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo '${toolUse(0, 'npm test')}' | sed "s/msg_0/msg_$i/"; echo '${toolUse(0, 'edit')}' | sed "s/msg_0/msg_x$i/; s/edit/edit $i/"; done`;
  using busy = new FakeCli('claude', `${say(INIT)} ${work}; ${say(result({}))}`);
  expect((await busy.run(claude)).kind).toBe('completed');
});

test('one that fails over and over without giving up is stopped', async () => {
  // opencode shortens a conversation that is too long, and tries again without end.
  using cli = new FakeCli('opencode', `while :; do cat ${recorded('opencode-too-long')}; sleep 0.1; done`);
  expect(await cli.run(opencode)).toMatchObject({
    kind: 'ended',
    ceiling: 'loop',
    message: expect.stringContaining('prompt is too long'),
  });
});

test('after a failure that may pass its session is taken up again, once', async () => {
  using cli = new FakeCli(
    'claude',
    `echo "$@" >> "$HERE/args"; cat >> "$HERE/prompts"
     if [ "$RUNS" = 1 ]; then ${say(INIT, toolUse(1, 'ls'), result({ is_error: true, result: 'Overloaded', api_error_status: 529 }))} exit 1; fi
     ${say(INIT, result({ modelUsage: { 'claude-sonnet-4-5': { inputTokens: 7, outputTokens: 1, costUSD: 0.5 } } }))}`,
  );
  const end = await cli.run(claude);
  expect(end).toMatchObject({ kind: 'completed', usage: { tokens: expect.any(Number) } });
  // What the first process had used is not lost.
  expect((end as { usage: { usd: number } }).usage.usd).toBeGreaterThan(0.5);
  expect(cli.read('args').trim().split('\n')[1]).toContain('--resume a-session');
  expect(cli.read('prompts')).toContain('You were interrupted');
  expect(cli.log).toContain('Overloaded');
  expect(cli.started).toBe(1);
});

test('after a refusal a fresh session begins with the whole job, once; then it is refused', async () => {
  const refusal = result({ is_error: true, stop_reason: 'refusal', result: 'violates our Usage Policy' });
  using cli = new FakeCli(
    'claude',
    `echo "$@" >> "$HERE/args"; cat >> "$HERE/prompts"; ${say(INIT, refusal)} exit 1`,
  );
  expect(await cli.run(claude)).toMatchObject({ kind: 'failed', refused: true });
  const [first = '', second = ''] = cli.read('args').trim().split('\n');
  expect(cli.read('args').trim().split('\n')).toHaveLength(2);
  expect(second).not.toContain('--resume');
  expect(/--session-id (\S+)/.exec(second)?.[1]).not.toBe(/--session-id (\S+)/.exec(first)?.[1]);
  expect(cli.read('prompts').match(/Please do the job/g)).toHaveLength(2);
});

test('a session that cannot be found again is begun anew', async () => {
  using cli = new FakeCli(
    'codex',
    `echo "$@" >> "$HERE/args"
     case "$RUNS" in
     1) echo '{"type":"thread.started","thread_id":"t-1"}'; echo '{"type":"turn.failed","error":{"message":"stream disconnected"}}'; exit 1;;
     2) echo 'Error: no rollout found for thread id t-1' >&2; exit 1;;
     *) echo '{"type":"thread.started","thread_id":"t-2"}'; echo '{"type":"turn.completed","usage":{"input_tokens":5,"output_tokens":5}}';;
     esac`,
  );
  expect(await cli.run(codex)).toMatchObject({ kind: 'completed', usage: { tokens: 10 } });
  const [, second = '', third = ''] = cli.read('args').trim().split('\n');
  expect(second).toMatch(/resume t-1 -$/);
  expect(third).not.toContain('resume');
});

test('a signal ends it at once, and tells what it had used', async () => {
  using cli = new FakeCli('claude', `${say(INIT, toolUse(1, 'ls'))} echo ready > "$HERE/ready"; sleep 60`);
  const stop = new AbortController();
  const running = cli.run(claude, { signal: stop.signal });
  await until(() => {
    try {
      return readFileSync(cli.path('ready'), 'utf8') !== '';
    } catch {
      return false;
    }
  });
  stop.abort();
  const end = await running;
  expect(end).toMatchObject({ kind: 'aborted', usage: { accuracy: 'estimated' } });
  expect((end as { usage: { tokens: number } }).usage.tokens).toBeGreaterThanOrEqual(1100);
});
