/** Gemini CLI (`gemini -p`). From its documentation and its public sources; not run here. */
import { cliEngine, type CliAdapter } from './cli.js';
import { record, text, troubleOf, type Fact, type StreamEvent } from './facts.js';
import { tokensWithin } from './tokens.js';

export const geminiAdapter: CliAdapter = {
  name: 'gemini',
  program: 'gemini',
  variables: [/^GEMINI_\w+$/, /^GOOGLE_(API_KEY|GENAI_USE_VERTEXAI|CLOUD_PROJECT|CLOUD_LOCATION)$/],
  credential: {
    variables: ['GEMINI_API_KEY', 'GOOGLE_API_KEY', 'GOOGLE_GENAI_USE_VERTEXAI'],
    files: ['.gemini/oauth_creds.json'],
  },

  command({ yolo, model, more, session }) {
    return {
      args: [
        // The prompt comes on standard input; without -p it would open its own screen on a terminal.
        '-p',
        '',
        '-o',
        'stream-json',
        '--skip-trust',
        `--approval-mode=${yolo ? 'yolo' : 'auto_edit'}`,
        ...(yolo ? [] : ['--allowed-tools', 'run_shell_command']),
        ...(session.resume ? ['-r', session.id] : []),
        ...(model === undefined ? [] : ['-m', model]),
        ...more,
      ],
      env: {},
    };
  },

  read(event) {
    switch (event['type']) {
      case 'init':
        return [
          { kind: 'session', id: text(event['session_id']) },
          { kind: 'model', model: text(event['model']) },
        ];
      case 'message':
        return event['role'] === 'assistant' ? [{ kind: 'said', text: text(event['content']) }] : [];
      case 'tool_use':
        return [{ kind: 'tool', name: text(event['tool_name']), input: event['parameters'] }];
      case 'tool_result':
        return [{ kind: 'answer', text: text(event['output']) || text(record(event['error'])['message']) }];
      case 'error':
        return [{ kind: 'warning', message: text(event['message']) }];
      case 'result':
        return result(event);
      default:
        return [];
    }
  },
};

function result(event: StreamEvent): Fact[] {
  const stats = record(event['stats']);
  const tokens = tokensWithin(stats['input_tokens'], stats['cached'], 0, stats['output_tokens']);
  const total: Fact = { kind: 'total', models: [{ tokens }] };
  if (event['status'] === 'success') return [total, { kind: 'done' }];
  const message = text(record(event['error'])['message']) || 'ended with an error';
  return [total, { kind: 'failure', message, trouble: troubleOf(message) }];
}

export const gemini = cliEngine(geminiAdapter);
