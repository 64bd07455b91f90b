/** What is looked for on a machine: programs on the PATH, and credentials by their presence alone. */
import type { Credential } from './credentials.js';

export interface Tool {
  /** As jobs name it: `node>=20`, `has:docker`. */
  readonly name: string;
  /** Programs to look for; the first that is there counts. */
  readonly programs: readonly string[];
  /** How it tells its version; without, its presence is all that is known (and it is not started). */
  readonly version?: readonly string[];
  /** It is of no use where it does not answer `version`: a client whose service is not running. */
  readonly mustAnswer?: true;
}

export const TOOLS: readonly Tool[] = [
  { name: 'git', programs: ['git'], version: ['--version'] },
  { name: 'node', programs: ['node'], version: ['--version'] },
  { name: 'python', programs: ['python3', 'python'], version: ['--version'] },
  { name: 'go', programs: ['go'], version: ['version'] },
  { name: 'dotnet', programs: ['dotnet'], version: ['--version'] },
  { name: 'java', programs: ['java'], version: ['-version'] },
  { name: 'ruby', programs: ['ruby'], version: ['--version'] },
  { name: 'rust', programs: ['rustc'], version: ['--version'] },
  {
    name: 'docker',
    programs: ['docker'],
    version: ['version', '--format', '{{.Server.Version}}'],
    mustAnswer: true,
  },
  { name: 'gh', programs: ['gh'], version: ['--version'] },
  { name: 'pnpm', programs: ['pnpm'], version: ['--version'] },
  { name: 'npm', programs: ['npm'] },
  { name: 'yarn', programs: ['yarn'] },
  { name: 'bun', programs: ['bun'] },
  { name: 'deno', programs: ['deno'] },
  { name: 'make', programs: ['make'] },
  { name: 'cmake', programs: ['cmake'] },
  { name: 'bash', programs: ['bash'] },
  { name: 'xcode', programs: ['xcodebuild'] },
  { name: 'gpu', programs: ['nvidia-smi'] },
  { name: 'figma', programs: ['figma', 'figma-linux', '/Applications/Figma.app/Contents/MacOS/Figma'] },
];

export interface NamedCredential extends Credential {
  /** As jobs name it: `cred:github`. */
  readonly name: string;
}

export const CREDENTIALS: readonly NamedCredential[] = [
  { name: 'github', variables: ['GH_TOKEN', 'GITHUB_TOKEN'], files: ['.config/gh/hosts.yml'] },
  {
    name: 'anthropic',
    variables: ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN'],
    files: ['.claude/.credentials.json'],
  },
  { name: 'openai', variables: ['OPENAI_API_KEY', 'CODEX_API_KEY'], files: ['.codex/auth.json'] },
  { name: 'gemini', variables: ['GEMINI_API_KEY'], files: ['.gemini/oauth_creds.json'] },
  { name: 'figma', variables: ['FIGMA_API_KEY', 'FIGMA_TOKEN'], files: [] },
  { name: 'npm', variables: ['NPM_TOKEN'], files: ['.npmrc'] },
];
