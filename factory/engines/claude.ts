/** Claude Code (`claude`). Its stream is documented; what is not was measured with 2.1.197. */
import type { CliAdapter, CliCall } from './cli.js';
import { cliEngine } from './cli.js';
import { list, record, text, troubleOf, type Fact, type StreamEvent } from './facts.js';
import { tokensApart } from './tokens.js';

/** One more try after an API failure: with its own default of ten a wrong key takes three minutes to be told. */
const MAX_RETRIES = '1';
/** What it may do without asking where it does not bypass all permissions. */
const ALLOWED_TOOLS = 'Bash,Edit,MultiEdit,NotebookEdit,Read,Glob,Grep,Write,WebFetch,WebSearch,Task';
/** A message that it makes up itself, such as for an error of the API. */
const SYNTHETIC = '<synthetic>';
/** Characters of text a token, where no count is told. */
const CHARS_PER_TOKEN = 4;

export const claudeAdapter: CliAdapter = {
  name: 'claude',
  program: 'claude',
  variables: [/^(ANTHROPIC|CLAUDE)_\w+$/, /^DISABLE_\w+$/],
  credential: {
    variables: [
      'ANTHROPIC_API_KEY',
      'ANTHROPIC_AUTH_TOKEN',
      'CLAUDE_CODE_OAUTH_TOKEN',
      'CLAUDE_CODE_USE_BEDROCK',
      'CLAUDE_CODE_USE_VERTEX',
      'CLAUDE_CODE_USE_FOUNDRY',
    ],
    files: ['.claude/.credentials.json'],
  },

  command(call) {
    return {
      args: [
        '-p',
        '--output-format',
        'stream-json',
        '--verbose',
        '--strict-mcp-config',
        ...(call.session.resume ? ['--resume', call.session.id] : ['--session-id', call.session.id]),
        ...permissions(call),
        // What a run hands back beside its change is written there.
        '--add-dir',
        call.scratch,
        ...(call.model === undefined ? [] : ['--model', call.model]),
        ...call.more,
        // Soft: it is looked at between two turns only. Ours is the one that counts.
        ...(call.usd === undefined ? [] : ['--max-budget-usd', call.usd.toFixed(2)]),
      ],
      env: {
        CLAUDE_CODE_MAX_RETRIES: call.env['CLAUDE_CODE_MAX_RETRIES'] ?? MAX_RETRIES,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
        DISABLE_AUTOUPDATER: '1',
      },
    };
  },

  read(event) {
    switch (event['type']) {
      case 'system':
        return system(event);
      case 'assistant':
        return assistant(event);
      case 'user':
        return list(record(event['message'])['content'])
          .filter((block) => block['type'] === 'tool_result')
          .map((block) => ({ kind: 'answer', text: answerText(block['content']) }));
      case 'result':
        return result(event);
      default:
        return [];
    }
  },
};

/** As root it refuses to bypass permissions; then it works as without `yolo`. */
const permissions = ({ yolo }: CliCall): string[] =>
  yolo && process.getuid?.() !== 0
    ? ['--permission-mode', 'bypassPermissions']
    : ['--permission-mode', 'acceptEdits', '--allowedTools', ALLOWED_TOOLS];

function system(event: StreamEvent): Fact[] {
  if (event['subtype'] === 'api_retry') {
    return [
      {
        kind: 'warning',
        message: `the API failed (${String(event['error_status'])} ${text(event['error'])}); it tries again`,
      },
    ];
  }
  if (event['subtype'] !== 'init') return [];
  return [
    { kind: 'session', id: text(event['session_id']) },
    { kind: 'model', model: text(event['model']) },
  ];
}

function assistant(event: StreamEvent): Fact[] {
  const message = record(event['message']);
  const blocks = list(message['content']);
  const usage = record(message['usage']);
  const said = blocks.flatMap((block): Fact[] => {
    if (block['type'] === 'text') return [{ kind: 'said', text: text(block['text']) }];
    if (block['type'] === 'tool_use')
      return [{ kind: 'tool', name: text(block['name']), input: block['input'] }];
    return [];
  });
  if (message['model'] === SYNTHETIC) return [];
  // The output is counted when the message begins: the text itself says more.
  const output = Math.max(
    Number(usage['output_tokens']) || 0,
    Math.ceil(JSON.stringify(blocks).length / CHARS_PER_TOKEN),
  );
  const tokens = tokensApart(
    usage['input_tokens'],
    usage['cache_read_input_tokens'],
    usage['cache_creation_input_tokens'],
    output,
  );
  return [
    ...said,
    { kind: 'step', key: text(message['id']), model: text(message['model']), tokens, rough: true },
  ];
}

/** `is_error` decides: without a login its `subtype` is "success". The figures per model hold, the ones above may be 0. */
function result(event: StreamEvent): Fact[] {
  const models = Object.entries(record(event['modelUsage'])).map(([model, value]) => {
    const usage = record(value);
    const usd = usage['costUSD'];
    return {
      model,
      tokens: tokensApart(
        usage['inputTokens'],
        usage['cacheReadInputTokens'],
        usage['cacheCreationInputTokens'],
        usage['outputTokens'],
      ),
      ...(typeof usd === 'number' ? { usd } : {}),
    };
  });
  const total: Fact = { kind: 'total', models };
  if (event['is_error'] !== true && event['subtype'] === 'success') return [total, { kind: 'done' }];
  const message =
    text(event['result']) || errorText(event) || `ended with ${text(event['subtype']) || 'an error'}`;
  const refused = event['stop_reason'] === 'refusal';
  return [
    total,
    {
      kind: 'failure',
      message,
      trouble: refused ? 'refusal' : troubleOf(message, event['api_error_status']),
    },
  ];
}

const errorText = (event: StreamEvent): string => {
  const { errors } = event;
  return Array.isArray(errors) ? errors.map(String).join('\n') : '';
};

const answerText = (content: unknown): string =>
  typeof content === 'string'
    ? content
    : list(content)
        .map((block) => text(block['text']))
        .join('\n');

export const claude = cliEngine(claudeAdapter);
