/**
 * Reads a job's manifest: markdown with YAML front matter, or JSON. Tells every problem at once, each with its path,
 * its place in the text, what was expected there, and the nearest valid name for a typo.
 */
import type { z } from 'zod';
import { ManifestSchema } from './contract/manifest.js';
import type { Manifest } from './contract/manifest.js';
import type { Problem } from './errors.js';
import { EXPECTED } from './manifest/fields.js';
import { problemAt, problemsOf } from './manifest/problems.js';
import { readSource, unlocated } from './manifest/source.js';
import type { Source } from './manifest/source.js';
import { ENGINES_OF_CLASS, classesOf } from './rules/engine.js';
import { secretsIn } from './rules/secrets.js';

/** `given`: the fields that were written, as opposed to those that got their default. */
export interface Given {
  readonly manifest: Manifest;
  readonly given: readonly string[];
}
/** `sound`: the fields of an invalid manifest that hold by themselves, to be checked against what is around it. */
export type ManifestResult =
  | ({ kind: 'ok' } & Given)
  | { kind: 'invalid'; problems: Problem[]; sound?: Given | undefined };

/**
 * Reads the text of a file. A text that starts with `{` is JSON; one that starts with a line `---` has front matter;
 * any other text is a prompt that leaves everything else open.
 */
export function parseManifest(text: string): ManifestResult {
  const read = readSource(text);
  return read.kind === 'ok' ? validate(read.source) : read;
}

/** Validates JSON that was parsed before; its problems have paths but no lines. */
export function validateManifest(value: unknown): ManifestResult {
  return validate(unlocated(value));
}

/** The same problems, in the order of the text; those that had no place in it yet get one. */
export function placedIn(text: string, problems: readonly Problem[]): Problem[] {
  const read = readSource(text);
  if (read.kind === 'invalid') return [...problems];
  const { locate } = read.source;
  return problems
    .map((one) => (one.line === undefined ? { ...one, ...locate(one.path.split('.'), 'value') } : one))
    .toSorted(byPlace);
}

function validate(source: Source): ManifestResult {
  const aliased = withRepository(source);
  const parsed = ManifestSchema.safeParse(aliased.value);
  const leaks = secretProblems(source);
  if (parsed.success) {
    const problems = [...leaks, ...rulesBroken(parsed.data, source)].toSorted(byPlace);
    const read = { manifest: parsed.data, given: fieldsOf(source.value) };
    return problems.length === 0 ? { kind: 'ok', ...read } : { kind: 'invalid', problems, sound: read };
  }
  // The fields that are sound by themselves are held against the further rules too: all problems at once.
  const sound = soundPart(aliased.value, parsed.error.issues);
  const problems = [
    ...problemsOf(aliased === source ? parsed.error.issues : asWritten(parsed.error.issues), source),
    ...(sound === undefined ? [] : rulesBroken(sound, source)),
    ...leaks,
  ];
  return {
    kind: 'invalid',
    problems: problems.toSorted(byPlace),
    ...(sound && { sound: { manifest: sound, given: fieldsOf(source.value) } }),
  };
}

/** A credential in a manifest would stand in the database, in events and in every prompt: it is refused, unseen. */
const secretProblems = (source: Source): Problem[] =>
  secretsIn(source.value).map(({ path, kind, line }) => {
    const at = path.map(String).join('.') || 'the manifest';
    const problem = problemAt(source, path, `${at} holds what looks like ${kind}`, {
      expected: 'no credentials: they stay on the factory, in the environment of its engines',
    });
    return problem.line === undefined || path[0] !== 'body'
      ? problem
      : { ...problem, line: problem.line + line, column: 1 };
  });

const fieldsOf = (value: unknown): string[] =>
  typeof value === 'object' && value !== null ? Object.keys(value) : [];

/** Old files name a checkout on the factory's disk as `cwd`: git clones from there as from any other repository. */
function withRepository(source: Source): Source {
  const { value } = source;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return source;
  if (!('cwd' in value) || 'repo' in value) return source;
  return { ...source, value: { ...value, repo: value.cwd } };
}

/** What is wrong with the repository that came from `cwd` is wrong with `cwd`; once is enough. */
function asWritten(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  const told = issues.some((issue) => issue.path[0] === 'cwd');
  return issues
    .filter((issue) => !(told && issue.path[0] === 'repo'))
    .map((issue) => (issue.path[0] === 'repo' ? { ...issue, path: ['cwd', ...issue.path.slice(1)] } : issue));
}

function soundPart(value: unknown, issues: readonly { path: PropertyKey[] }[]): Manifest | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const bad = new Set(issues.map((issue) => String(issue.path[0])));
  const known = Object.entries(value).filter(
    ([key]) => Object.hasOwn(ManifestSchema.shape, key) && !bad.has(key),
  );
  // A missing or broken body is told already; any text stands in for it.
  return ManifestSchema.safeParse({ body: '…', ...Object.fromEntries(known) }).data;
}

/** What the schema cannot say: rules between fields. */
function rulesBroken(manifest: Manifest, source: Source): Problem[] {
  const problems: Problem[] = [];
  const { engine, cwd, repo, body } = manifest;
  const engineClass = manifest['engine-class'];
  if (body.trim() === '')
    problems.push(problemAt(source, ['body'], 'body is empty', { expected: EXPECTED.body }));
  if (engine !== undefined && engineClass !== undefined && !classesOf(engine).includes(engineClass))
    problems.push(
      problemAt(source, ['engine-class'], `${engine} is not of the class ${engineClass}`, {
        expected: `one engine of ${ENGINES_OF_CLASS[engineClass].join(', ')}, or no engine-class`,
      }),
    );
  if (cwd !== undefined && repo !== undefined && cwd !== repo)
    problems.push(
      problemAt(source, ['cwd'], 'cwd and repo name different repositories', {
        expected: 'repo alone; cwd is its old name',
        part: 'key',
      }),
    );
  const policy = manifest['review-policy'];
  if (typeof policy === 'object' && policy.quorum > new Set(policy.reviewers).size)
    problems.push(
      problemAt(source, ['review-policy', 'quorum'], 'there are fewer reviewers than approvals needed', {
        expected: `at most ${new Set(policy.reviewers).size}`,
      }),
    );
  return problems.toSorted(byPlace);
}

const byPlace = (one: Problem, other: Problem): number =>
  (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0);
