/** What real CLIs said (streams/, recorded; gemini's from its documentation), replayed through the engines. */
import { expect, test } from 'vitest';
import type { Engine as EngineName } from '../../../shared/contract/manifest.js';
import type { EngineResult } from '../../../factory/engines/engine.js';
import { engineNamed } from '../../../factory/engines/registry.js';
import { FakeCli, recorded, recordedLines } from './fakeCli.js';

const engineOf = (name: EngineName) => {
  const engine = engineNamed(name);
  if (!engine) throw new Error(`no engine ${name}`);
  return engine;
};

const counts = (answers: number) => ({
  tokens: 150 * answers,
  tokenCounts: { input: 100 * answers, cachedInput: 40 * answers, cacheWrite: 0, output: 10 * answers },
});

/** Stream, exit code, and what the engine makes of it. */
const STREAMS: readonly [EngineName, string, number, Partial<EngineResult>][] = [
  [
    'claude',
    'works',
    0,
    {
      kind: 'completed',
      usage: expect.objectContaining({ ...counts(3), accuracy: 'exact', usd: expect.closeTo(0.00231, 6) }),
    },
  ],
  [
    'codex',
    'works',
    0,
    {
      kind: 'completed',
      usage: expect.objectContaining({
        ...counts(3),
        accuracy: 'estimated',
        usd: expect.closeTo(0.00246, 6),
      }),
    },
  ],
  [
    'opencode',
    'works',
    0,
    {
      kind: 'completed',
      usage: expect.objectContaining({ ...counts(3), accuracy: 'exact', usd: expect.closeTo(0.001386, 6) }),
    },
  ],
  ['copilot', 'works', 0, { kind: 'completed', usage: expect.objectContaining({ accuracy: 'unknown' }) }],
  [
    'gemini',
    'works',
    0,
    { kind: 'completed', usage: expect.objectContaining({ tokens: 450, accuracy: 'estimated' }) },
  ],
  ['claude', 'login', 1, { kind: 'unfit', message: expect.stringContaining('401') }],
  ['codex', 'login', 1, { kind: 'unfit', message: expect.stringContaining('401') }],
  ['copilot', 'login', 1, { kind: 'unfit', message: expect.stringContaining('401') }],
  ['opencode', 'login', 1, { kind: 'unfit', message: expect.stringContaining('bad key') }],
  ['gemini', 'login', 41, { kind: 'unfit', message: expect.stringContaining('API key') }],
  [
    'claude',
    'refuses',
    1,
    { kind: 'failed', refused: true, message: expect.stringContaining('Usage Policy') },
  ],
  ['opencode', 'refuses', 1, { kind: 'failed', refused: true }],
  ['claude', 'overloaded', 1, { kind: 'failed', message: expect.stringContaining('500 boom') }],
  ['codex', 'overloaded', 1, { kind: 'failed', message: expect.stringContaining('high demand') }],
  ['opencode', 'overloaded', 1, { kind: 'failed', message: 'boom' }],
  ['claude', 'too-long', 1, { kind: 'failed', message: expect.stringContaining('too long') }],
  ['codex', 'too-long', 1, { kind: 'failed', message: 'prompt is too long: 210000 tokens > 200000 maximum' }],
  // Killed in the middle of an answer, twice: what the stream had told by then counts.
  ['claude', 'ended', 143, { kind: 'failed', usage: expect.objectContaining({ accuracy: 'estimated' }) }],
  ['opencode', 'ended', 143, { kind: 'failed', usage: expect.objectContaining(counts(2)) }],
];

test.each(STREAMS)('%s %s (exit code %i)', async (name, what, code, expected) => {
  using cli = new FakeCli(name, `cat ${recorded(`${name}-${what}`)}; exit ${code}`);
  expect(await cli.run(engineOf(name))).toMatchObject(expected);
  // For people, not for programs.
  expect(cli.log).not.toContain('"type"');
});

test("copilot's and codex's own records of the session tell what their output does not", async () => {
  using copilot = new FakeCli(
    'copilot',
    `while [ "$1" != --session-id ]; do shift; done
     mkdir -p "$HOME/.copilot/session-state/$2"; cp ${recorded('copilot-works.side')} "$HOME/.copilot/session-state/$2/events.jsonl"
     sed "s/\\"sessionId\\": \\"[^\\"]*/\\"sessionId\\": \\"$2/" ${recorded('copilot-works')}`,
  );
  expect(await copilot.run(engineOf('copilot'))).toMatchObject({
    kind: 'completed',
    usage: { ...counts(3), accuracy: 'estimated', usd: expect.closeTo(0.001386, 6) },
  });

  const thread = recordedLines('codex-ended').map((line) => JSON.parse(line) as { thread_id?: string })[0]
    ?.thread_id;
  using codex = new FakeCli(
    'codex',
    `mkdir -p "$HOME/.codex/sessions/2026/11/21"
     cp ${recorded('codex-ended.side')} "$HOME/.codex/sessions/2026/11/21/rollout-2026-11-21T07-17-13-${thread}.jsonl"
     cat ${recorded('codex-ended')}; exec sleep 60`,
  );
  const ended = await codex.run(engineOf('codex'), { limits: { wallSeconds: 2 } });
  expect(ended).toMatchObject({ kind: 'ended', ceiling: 'wall', usage: counts(1) });
});

test('a resumed session of codex tells the sum of all its processes, which is counted once', async () => {
  const [first = ''] = recordedLines('codex-resumed');
  const used = (input: number): string =>
    JSON.stringify({
      type: 'turn.completed',
      usage: { input_tokens: input, cached_input_tokens: 0, output_tokens: 10 },
    });
  const failed = JSON.stringify({ type: 'turn.failed', error: { message: 'stream disconnected' } });
  using cli = new FakeCli(
    'codex',
    `echo '${first}'; if [ "$RUNS" = 1 ]; then echo '${used(100)}'; echo '${failed}'; exit 1; fi; echo '${used(250)}'`,
  );
  expect(await cli.run(engineOf('codex'))).toMatchObject({
    kind: 'completed',
    usage: { tokenCounts: { input: 250, cachedInput: 0, output: 10 } },
  });
});
