/** Where a change may go, and where it went: pure, over the paths of its diff. */
import picomatch from 'picomatch';
import { MAX_SCOPE_FILES } from '../contract/job.js';
import type { ScopeReport } from '../contract/job.js';
import { REPO_SETTINGS_FILE } from '../contract/repoSettings.js';

/** What judges a change, wherever a repository keeps it: a change to it is flagged, whoever allowed it. */
const GATES = [
  REPO_SETTINGS_FILE,
  '.github/**',
  '.gitlab-ci.yml',
  '.circleci/**',
  '.ci/**',
  'azure-pipelines*.yml',
  'Jenkinsfile',
  '**/CODEOWNERS',
  '**/{test,tests,__tests__,spec,e2e}/**',
  '**/*.{test,spec}.*',
  '**/*_test.*',
  '**/test_*.py',
  '**/conftest.py',
  '**/.{eslintrc,oxlintrc,prettierrc}*',
  '**/{eslint,vitest,jest,playwright,karma}.config.*',
  '**/{tsconfig,pytest,tox,setup}.{json,ini,cfg}',
  '.pre-commit-config.yaml',
  '.husky/**',
];

export interface Scope {
  /** Lists of patterns; a path must be allowed by each of them. An empty list allows nothing. */
  readonly limits: readonly (readonly string[])[];
  /** Packages that others build on. */
  readonly shared: readonly string[];
  /** Checks beside the ones that are known by their names. */
  readonly gates: readonly string[];
  /** The job's own check: a file that it names is a gate too. */
  readonly verify?: string | undefined;
}

type Matches = (file: string) => boolean;

/** Matched by one of the patterns and by none of those with a `!`; letters count as they are written. */
function matcherOf(patterns: readonly string[]): Matches {
  if (patterns.length === 0) return () => false;
  const but = patterns.filter((one) => one.startsWith('!')).map((one) => one.slice(1));
  const wanted = patterns.filter((one) => !one.startsWith('!'));
  const options = { dot: true, nonegate: true };
  const isWanted = picomatch(wanted.length > 0 ? wanted : ['**'], options);
  const isRefused = but.length > 0 ? picomatch(but, options) : () => false;
  return (file) => isWanted(file) && !isRefused(file);
}

/** What a command may name as a file of its repository. */
export const wordsOf = (command: string): string[] =>
  command.split(/[\s;&|()<>"'=]+/).map((word) => word.replace(/^\.\//, ''));

/**
 * Holds the changed files against the scope.
 * @param files every path that the change adds, changes or removes; a rename counts with both names
 */
export function scopeOf(files: readonly string[], scope: Scope): ScopeReport {
  const allowed = scope.limits.map(matcherOf);
  const isShared = matcherOf(scope.shared);
  const isKnownGate = matcherOf(GATES);
  const isOwnGate = matcherOf(scope.gates);
  const words = new Set(wordsOf(scope.verify ?? ''));
  const those = (matches: Matches): string[] => files.filter(matches).slice(0, MAX_SCOPE_FILES);
  return {
    allowed: [...new Set(scope.limits.flat())],
    outside: those((file) => allowed.some((matches) => !matches(file))),
    shared: those(isShared),
    gates: those((file) => isKnownGate(file) || isOwnGate(file) || words.has(file)),
  };
}

/**
 * Before the engine starts: why nothing at all could be changed; undefined when something may. Two lists exclude each
 * other when no pattern of one lies in or around a pattern of the other.
 */
export function emptyScope(limits: Scope['limits']): string | undefined {
  if (limits.some((patterns) => patterns.length === 0)) return 'its profile allows no path at all';
  for (const [at, one] of limits.entries())
    for (const other of limits.slice(at + 1)) {
      const meet = basesOf(one).some((left) => basesOf(other).some((right) => isWithin(left, right)));
      if (!meet) return `nothing lies both in ${one.join(', ')} and in ${other.join(', ')}`;
    }
  return undefined;
}

/** The part of each pattern before its first wildcard. */
const basesOf = (patterns: readonly string[]): string[] => {
  const wanted = patterns.filter((pattern) => !pattern.startsWith('!'));
  return (wanted.length > 0 ? wanted : ['**']).map((pattern) => pattern.split(/[*?[{(!@+]/)[0] ?? '');
};

const isWithin = (one: string, other: string): boolean => one.startsWith(other) || other.startsWith(one);
