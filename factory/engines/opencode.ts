/** opencode (`opencode run`). Measured with 1.18.33. */
import { cliEngine, type CliAdapter } from './cli.js';
import { record, text, troubleOf, type Fact, type StreamEvent } from './facts.js';
import { tokensApart } from './tokens.js';

export const opencodeAdapter: CliAdapter = {
  name: 'opencode',
  program: 'opencode',
  variables: [/^OPENCODE_\w+$/, /^(ANTHROPIC|OPENAI|GEMINI|OPENROUTER|GROQ|MISTRAL|XAI|DEEPSEEK)_API_KEY$/],
  credential: {
    variables: [
      'OPENCODE_API_KEY',
      'OPENCODE_CONFIG',
      'OPENCODE_CONFIG_CONTENT',
      'ANTHROPIC_API_KEY',
      'OPENAI_API_KEY',
    ],
    files: [
      '.local/share/opencode/auth.json',
      '.config/opencode/opencode.json',
      '.config/opencode/opencode.jsonc',
    ],
  },

  command({ worktree, model, more, session }) {
    return {
      args: [
        // Nobody is there to be asked, so what its rules do not forbid is allowed.
        'run',
        '--format',
        'json',
        '--auto',
        '--dir',
        worktree,
        ...(session.resume ? ['-s', session.id] : []),
        ...(model === undefined ? [] : ['-m', model]),
        ...more,
      ],
      env: { OPENCODE_DISABLE_AUTOUPDATE: '1', OPENCODE_DISABLE_LSP_DOWNLOAD: '1' },
    };
  },

  read(event) {
    const part = record(event['part']);
    switch (event['type']) {
      case 'step_start':
        return [{ kind: 'session', id: text(event['sessionID']) }];
      case 'text':
        return [{ kind: 'said', text: text(part['text']) }];
      case 'tool_use':
        return used(part);
      case 'step_finish':
        return finished(part);
      case 'error':
        return [failure(record(event['error']))];
      default:
        return [];
    }
  },
};

function used(part: StreamEvent): Fact[] {
  const state = record(part['state']);
  return [
    { kind: 'tool', name: text(part['tool']), input: state['input'] },
    { kind: 'answer', text: text(state['output']) || text(state['error']) },
  ];
}

/** Told for each step; `stop` is the last one of a turn. */
function finished(part: StreamEvent): Fact[] {
  const tokens = record(part['tokens']);
  const cache = record(tokens['cache']);
  const output = (Number(tokens['output']) || 0) + (Number(tokens['reasoning']) || 0);
  const { cost } = part;
  const step: Fact = {
    kind: 'step',
    key: text(part['id']),
    tokens: tokensApart(tokens['input'], cache['read'], cache['write'], output),
    // A provider without prices is told as free.
    ...(typeof cost === 'number' && cost > 0 ? { usd: cost } : {}),
  };
  return part['reason'] === 'stop' ? [step, { kind: 'done' }] : [step];
}

function failure(error: StreamEvent): Fact {
  const details = record(error['data']);
  const message = text(details['message']) || text(error['name']) || 'an error without words';
  if (error['name'] === 'ContextOverflowError') {
    // It shortens the conversation by itself and goes on; where that is no help, it goes round in circles.
    return { kind: 'failure', message, trouble: 'poisoned' };
  }
  if (error['name'] === 'ContentFilterError') return { kind: 'failure', message, trouble: 'refusal' };
  if (error['name'] === 'ProviderAuthError') return { kind: 'failure', message, trouble: 'login' };
  return { kind: 'failure', message, trouble: troubleOf(message, details['statusCode']) };
}

export const opencode = cliEngine(opencodeAdapter);
