/** The real CLIs, installed by `npm run clis` or found on the PATH, each pointed at the played model. */
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { NO_CONFIG, type FactoryConfig } from '../../factory/capabilities/config.js';
import { EngineSettingsSchema } from '../../factory/engines/settings.js';
import type { Turn } from './modelApi.js';

export const CLIS = ['claude', 'codex', 'copilot', 'opencode'] as const;
export type Cli = (typeof CLIS)[number];

const INSTALLED = path.resolve('test/clis/node_modules/.bin');

/** The program, or undefined where it is neither installed here nor on the PATH. */
export function programOf(cli: Cli): string | undefined {
  return [INSTALLED, ...(process.env['PATH'] ?? '').split(path.delimiter)]
    .map((folder) => path.join(folder, cli))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** No key of this is real. It looks like none either, so that nothing takes it for one. */
const KEY = 'not-a-key-but-long-enough';

const environment: Record<Cli, (url: string) => Record<string, string>> = {
  claude: (url) => ({ ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: KEY }),
  codex: () => ({ OPENAI_API_KEY: KEY }),
  copilot: (url) => ({
    COPILOT_PROVIDER_BASE_URL: url,
    COPILOT_PROVIDER_TYPE: 'anthropic',
    COPILOT_PROVIDER_API_KEY: KEY,
    COPILOT_MODEL: 'claude-sonnet-4.5',
    // Without, it would ask GitHub who we are.
    COPILOT_OFFLINE: 'true',
  }),
  opencode: (url) => ({
    OPENCODE_DISABLE_MODELS_FETCH: '1',
    OPENCODE_CONFIG_CONTENT: JSON.stringify({
      autoupdate: false,
      share: 'disabled',
      provider: {
        played: {
          npm: '@ai-sdk/anthropic',
          options: { baseURL: `${url}/v1`, apiKey: KEY },
          models: {
            'claude-sonnet-4-5': {
              limit: { context: 200_000, output: 8000 },
              cost: { input: 3, output: 15, cache_read: 0.3 },
            },
          },
        },
      },
    }),
  }),
};

const codexProvider = (url: string): string[] => [
  '-c',
  'model_provider="played"',
  '-c',
  `model_providers.played={name="played",base_url="${url}/v1",env_key="OPENAI_API_KEY",wire_api="responses",request_max_retries=0,stream_max_retries=0}`,
];

/** What the owner of this machine says of its engines: the model is on loopback. */
export const configOf = (cli: Cli, url: string, stallSeconds = 60): FactoryConfig => ({
  ...NO_CONFIG,
  engines: {
    [cli]: EngineSettingsSchema.parse({
      program: programOf(cli),
      env: environment[cli](url),
      args: cli === 'codex' ? codexProvider(url) : [],
      stallSeconds,
      ...(cli === 'codex' ? { model: 'gpt-5-codex' } : {}),
      ...(cli === 'opencode' ? { model: 'played/claude-sonnet-4-5' } : {}),
    }),
  },
});

/** The tool calls by which each CLI's model writes a file of the worktree, and runs a command there. */
export const turns: Record<
  Cli,
  { readonly write: (file: string, content: string) => Turn; readonly command: (command: string) => Turn }
> = {
  claude: {
    write: (file, content) => ({ tool: 'Write', input: { file_path: file, content } }),
    command: (command) => ({ tool: 'Bash', input: { command, description: 'Runs it' } }),
  },
  codex: {
    write: (file, content) => ({
      tool: 'exec_command',
      input: { cmd: `printf %s '${content}' > '${file}'` },
    }),
    command: (command) => ({ tool: 'exec_command', input: { cmd: command } }),
  },
  copilot: {
    write: (file, content) => ({ tool: 'create', input: { path: file, file_text: content } }),
    command: (command) => ({ tool: 'bash', input: { command, description: 'Runs it' } }),
  },
  opencode: {
    write: (file, content) => ({ tool: 'write', input: { filePath: file, content } }),
    command: (command) => ({ tool: 'bash', input: { command, description: 'Runs it' } }),
  },
};

/** Where a CLI writes down beside its output what its model used, and the word that each record has. */
const RECORDS: Partial<Record<Cli, readonly [folder: string, word: string]>> = {
  codex: ['.codex/sessions', 'token_usage_record'],
  copilot: ['.copilot/session-state', 'session.usage_record'],
};

/**
 * Asked before a run: has it been told since what the run used? A CLI that is ended before it has written its record
 * has told nobody; the others say it on their output before they ask their model again.
 */
export function toldUsage(cli: Cli, home: string): () => boolean {
  const place = RECORDS[cli];
  if (place === undefined) return () => true;
  const [folder, word] = place;
  const at = path.join(home, folder);
  const count = (): number =>
    (existsSync(at) ? readdirSync(at, { recursive: true, encoding: 'utf8' }) : [])
      .filter((name) => name.endsWith('.jsonl'))
      .reduce((sum, name) => sum + readFileSync(path.join(at, name), 'utf8').split(word).length - 1, 0);
  const before = count();
  return () => count() > before;
}
