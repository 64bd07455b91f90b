/** What a check says of itself in files: JUnit results and line coverage, summed up. */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { TestSummary } from '../../shared/contract/job.js';
import { filesMatching } from '../workspace/files.js';

const JUNIT = [
  '**/junit*.xml',
  '**/TEST-*.xml',
  '**/*.junit.xml',
  '**/test-results/**/*.xml',
  '**/test-results.xml',
];
const COVERAGE = ['**/lcov.info', '**/coverage-summary.json', '**/cobertura*.xml', '**/coverage.xml'];
/** A report that is larger is left alone (bytes). */
const MAX_REPORT_BYTES = 32 * 1024 * 1024;
/** As the contract takes them. */
const MAX_FAILURES = 20;
const MAX_NAME_CHARS = 300;
/** File systems round times. */
const CLOCK_SLACK_MS = 2000;

export interface CheckReports {
  readonly tests?: TestSummary;
  readonly coveragePercent?: number;
}

/**
 * Reads the reports that a check wrote.
 * @param since when the check began (ms since 1970): older files came with the commit
 */
export async function readReports(worktree: string, since: number): Promise<CheckReports> {
  const [junit, coverage] = await Promise.all([
    textsOf(worktree, JUNIT, since),
    textsOf(worktree, COVERAGE, since),
  ]);
  const suites = junit.filter((text) => text.includes('<testsuite')).map(summaryOf);
  const lines = coverage.map(linesOf).filter((one) => one !== undefined);
  // The same run is often told in several formats: the most thorough one counts.
  const most = lines.toSorted((one, other) => other.total - one.total)[0];
  return {
    ...(suites.length > 0 ? { tests: suites.reduce(added) } : {}),
    ...(most && most.total > 0 ? { coveragePercent: Math.round((most.hit / most.total) * 1000) / 10 } : {}),
  };
}

async function textsOf(worktree: string, patterns: readonly string[], since: number): Promise<string[]> {
  const texts: string[] = [];
  for (const name of await filesMatching(worktree, patterns)) {
    const file = path.join(worktree, name);
    const { size, mtimeMs } = await stat(file);
    if (size > MAX_REPORT_BYTES || mtimeMs < since - CLOCK_SLACK_MS) continue;
    texts.push(await readFile(file, 'utf8'));
  }
  return texts;
}

/** Counts test cases rather than believing the totals, which tools compute differently. */
export function summaryOf(junit: string): TestSummary {
  const summary = { passed: 0, failed: 0, skipped: 0, failures: [] as string[] };
  for (const part of junit.split(/<testcase\b/).slice(1)) {
    const end = part.search(/<\/testcase>/);
    const head = /^(?:"[^"]*"|'[^']*'|[^>"'])*>/.exec(part)?.[0] ?? part;
    const inside = head.endsWith('/>') ? '' : part.slice(head.length, end < 0 ? part.length : end);
    if (/<(?:failure|error)\b/.test(inside)) {
      summary.failed += 1;
      const name = [attribute(head, 'classname'), attribute(head, 'name')].filter(Boolean).join(' › ');
      if (summary.failures.length < MAX_FAILURES) summary.failures.push(name.slice(0, MAX_NAME_CHARS));
    } else if (/<skipped\b/.test(inside)) summary.skipped += 1;
    else summary.passed += 1;
  }
  return summary;
}

const attribute = (head: string, name: string): string => {
  const value = new RegExp(`\\s${name}=(?:"([^"]*)"|'([^']*)')`).exec(head);
  return (value?.[1] ?? value?.[2] ?? '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
};

const added = (one: TestSummary, other: TestSummary): TestSummary => ({
  passed: one.passed + other.passed,
  failed: one.failed + other.failed,
  skipped: one.skipped + other.skipped,
  failures: [...one.failures, ...other.failures].slice(0, MAX_FAILURES),
});

interface Lines {
  readonly hit: number;
  readonly total: number;
}

/** Lines of an lcov, istanbul or Cobertura report; undefined when it is none. */
export function linesOf(text: string): Lines | undefined {
  if (/^LF:/m.test(text)) {
    const sum = (key: string): number =>
      [...text.matchAll(new RegExp(`^${key}:(\\d+)`, 'gm'))].reduce((total, [, n]) => total + Number(n), 0);
    return { hit: sum('LH'), total: sum('LF') };
  }
  const cobertura = /<coverage\b[^>]*>/.exec(text)?.[0];
  if (cobertura !== undefined) {
    const [hit, total] = ['lines-covered', 'lines-valid'].map((name) => Number(attribute(cobertura, name)));
    return hit !== undefined && total !== undefined && total >= hit && total > 0 ? { hit, total } : undefined;
  }
  try {
    const { total } = JSON.parse(text) as { total?: { lines?: { covered?: unknown; total?: unknown } } };
    const { covered, total: all } = total?.lines ?? {};
    return typeof covered === 'number' && typeof all === 'number' && all >= covered
      ? { hit: covered, total: all }
      : undefined;
  } catch {
    return undefined;
  }
}
