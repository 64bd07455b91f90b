/** GitHub Copilot CLI (`copilot`). Measured with 1.0.102. */
import path from 'node:path';
import { cliEngine, type CliAdapter } from './cli.js';
import { list, record, text, troubleOf, type Fact, type StreamEvent } from './facts.js';
import { homeOf } from '../processes/environment.js';
import { tokensWithin } from './tokens.js';

export const copilotAdapter: CliAdapter = {
  name: 'copilot',
  program: 'copilot',
  variables: [/^COPILOT_\w+$/],
  credential: {
    variables: ['COPILOT_GITHUB_TOKEN', 'GH_TOKEN', 'GITHUB_TOKEN', 'COPILOT_PROVIDER_BASE_URL'],
    files: ['.config/gh/hosts.yml'],
  },

  command({ worktree, yolo, model, more, session }) {
    return {
      args: [
        '--no-ask-user',
        '--output-format',
        'json',
        '--no-auto-update',
        '--no-color',
        '-C',
        worktree,
        yolo ? '--allow-all' : '--allow-all-tools',
        ...(session.resume ? [`--resume=${session.id}`] : ['--session-id', session.id]),
        ...(model === undefined ? [] : ['--model', model]),
        ...more,
      ],
      env: { COPILOT_AUTO_UPDATE: 'false' },
    };
  },

  read(event) {
    const data = record(event['data']);
    switch (event['type']) {
      case 'assistant.message':
        return [{ kind: 'said', text: text(data['content']) }, ...requested(data)];
      case 'tool.execution_complete':
        return [{ kind: 'answer', text: text(record(data['result'])['content']) }];
      case 'session.warning':
        return [{ kind: 'warning', message: text(data['message']) }];
      case 'session.error': {
        const message = text(data['message']);
        return [{ kind: 'failure', message, trouble: troubleOf(message, data['statusCode']) }];
      }
      case 'result':
        return event['exitCode'] === 0 ? [...session(event), { kind: 'done' }] : session(event);
      default:
        return [];
    }
  },

  // Its output tells no tokens; its record of the session tells each call of the model as it comes, also when it is
  // ended before it can write a usage file.
  side: {
    async find(id, env) {
      const home = env['COPILOT_HOME'] ?? path.join(homeOf(env), '.copilot');
      return path.join(home, 'session-state', id, 'events.jsonl');
    },
    read(event) {
      if (event['type'] !== 'session.usage_record') return [];
      const usage = record(record(event['data'])['usage']);
      const tokens = tokensWithin(
        usage['inputTokens'],
        usage['cacheReadTokens'],
        usage['cacheWriteTokens'],
        usage['outputTokens'],
      );
      return [{ kind: 'step', key: text(event['id']), model: text(usage['model']), tokens }];
    },
  },
};

const requested = (data: StreamEvent): Fact[] =>
  list(data['toolRequests']).map((request) => ({
    kind: 'tool',
    name: text(request['name']),
    input: request['arguments'],
  }));

const session = (event: StreamEvent): Fact[] => [{ kind: 'session', id: text(event['sessionId']) }];

export const copilot = cliEngine(copilotAdapter);
