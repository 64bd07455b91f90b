/** Codex (`codex exec`). Measured with 0.169.0. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { cliEngine, type CliAdapter } from './cli.js';
import { record, text, troubleOf, type Fact, type StreamEvent } from './facts.js';
import { homeOf } from '../processes/environment.js';
import { tokensWithin, type TokenCounts } from './tokens.js';

export const codexAdapter: CliAdapter = {
  name: 'codex',
  program: 'codex',
  variables: [/^(CODEX|OPENAI)_\w+$/],
  credential: { variables: ['CODEX_API_KEY', 'OPENAI_API_KEY'], files: ['.codex/auth.json'] },

  command({ worktree, yolo, model, more, session, env }) {
    const key = env['CODEX_API_KEY'] ?? env['OPENAI_API_KEY'];
    return {
      args: [
        'exec',
        '--json',
        '-C',
        worktree,
        '--skip-git-repo-check',
        '--ignore-user-config',
        '-c',
        'check_for_update_on_startup=false',
        ...(yolo ? ['--dangerously-bypass-approvals-and-sandbox'] : ['-s', 'workspace-write']),
        ...(model === undefined ? [] : ['-m', model]),
        ...more,
        ...(session.resume ? ['resume', session.id] : []),
        '-',
      ],
      env: key === undefined ? {} : { CODEX_API_KEY: key },
    };
  },

  read(event) {
    switch (event['type']) {
      case 'thread.started':
        return [{ kind: 'session', id: text(event['thread_id']) }];
      case 'item.started':
        return started(record(event['item']));
      case 'item.completed':
        return completed(record(event['item']));
      case 'error':
        // It connects again by itself; when it gives up, `turn.failed` says so.
        return [{ kind: 'warning', message: errorText(text(event['message'])) }];
      case 'turn.completed':
        // A resumed session's earlier processes are in the figures.
        return [
          { kind: 'total', models: [{ tokens: tokensOf(record(event['usage'])) }], ofSession: true },
          { kind: 'done' },
        ];
      case 'turn.failed': {
        const message = errorText(text(record(event['error'])['message']));
        return [{ kind: 'failure', message, trouble: troubleOf(message) }];
      }
      default:
        return [];
    }
  },

  // Its output tells what was used once, at the end, and after a SIGTERM never. Its record of the session tells each
  // answer of the model as it comes.
  side: {
    async find(session, env) {
      const home = env['CODEX_HOME'] ?? path.join(homeOf(env), '.codex');
      return newestFile(path.join(home, 'sessions'), `-${session}.jsonl`);
    },
    read(event) {
      const payload = record(event['payload']);
      if (event['type'] === 'turn_context' && typeof payload['model'] === 'string') {
        return [{ kind: 'model', model: payload['model'] }];
      }
      if (event['type'] !== 'token_usage_record') return [];
      return [
        { kind: 'step', key: text(payload['response_id']), tokens: tokensOf(record(payload['usage'])) },
      ];
    },
  },
};

const tokensOf = (usage: StreamEvent): TokenCounts =>
  tokensWithin(
    usage['input_tokens'],
    usage['cached_input_tokens'],
    usage['cache_write_input_tokens'],
    usage['output_tokens'],
  );

function started(item: StreamEvent): Fact[] {
  if (item['type'] === 'command_execution')
    return [{ kind: 'tool', name: 'shell', input: text(item['command']) }];
  if (item['type'] === 'mcp_tool_call')
    return [{ kind: 'tool', name: text(item['tool']), input: item['arguments'] }];
  return [];
}

function completed(item: StreamEvent): Fact[] {
  switch (item['type']) {
    case 'agent_message':
      return [{ kind: 'said', text: text(item['text']) }];
    case 'command_execution':
      return [{ kind: 'answer', text: text(item['aggregated_output']) }];
    case 'file_change':
      return [{ kind: 'tool', name: 'change', input: item['changes'] }];
    case 'error':
      // Often no more than a warning, such as for a model that it does not know.
      return [{ kind: 'warning', message: text(item['message']) }];
    default:
      return [];
  }
}

/** The provider's answer comes as JSON in the message. */
function errorText(message: string): string {
  try {
    const { error } = JSON.parse(message) as { error?: { message?: unknown } };
    return text(error?.message) || message;
  } catch {
    return message;
  }
}

/** Sessions are kept by year, month and day: the newest few days are looked through. */
async function newestFile(folder: string, ending: string, depth = 3): Promise<string | undefined> {
  const names: string[] = await readdir(folder).catch(() => []);
  names.sort().reverse();
  if (depth === 0) {
    const name = names.find((one) => one.endsWith(ending));
    return name === undefined ? undefined : path.join(folder, name);
  }
  for (const name of names.slice(0, 2)) {
    const found = await newestFile(path.join(folder, name), ending, depth - 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

export const codex = cliEngine(codexAdapter);
