/** From what the schema complains about to what a person can mend. */
import { z } from 'zod';
import { ManifestSchema } from '../contract/manifest.js';
import type { Problem } from '../errors.js';
import { EXPECTED, SYNONYMS } from './fields.js';
import { nearestName } from './nearest.js';
import type { Source } from './source.js';
import { expectedBy } from './words.js';

/** More problems than anybody reads are noise, and would let a hostile text grow into a huge answer. */
const MAX_PROBLEMS = 100;
/** Characters of a wrong value that are shown back. */
const MAX_SHOWN_CHARS = 40;

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** What is read, and the words for it. */
export interface Vocabulary {
  readonly schema: z.core.$ZodType;
  /** The whole of it: "the manifest". */
  readonly name: string;
  /** What a field takes, by dotted path with `[]` for the items of a list; the schema's own demand where none is said. */
  readonly expected?: Readonly<Record<string, string>>;
  /** What people call a field by mistake. */
  readonly synonyms?: Readonly<Record<string, string>>;
}

const MANIFEST: Vocabulary = {
  schema: ManifestSchema,
  name: 'the manifest',
  expected: EXPECTED,
  synonyms: SYNONYMS,
};

/** Every problem of a value that the schema refused, in the order of the text. */
export function problemsOf(issues: readonly Issue[], source: Source, words = MANIFEST): Problem[] {
  return issues
    .flatMap((issue) => flatten(issue, []))
    .flatMap(({ issue, path }) => describe(issue, path, source, words))
    .slice(0, MAX_PROBLEMS);
}

/** One problem at a path of the manifest, with its place in the text. */
export function problemAt(
  source: Source,
  path: Path,
  message: string,
  more: { expected?: string | undefined; nearest?: string | undefined; part?: 'key' | 'value' } = {},
): Problem {
  const { expected, nearest, part = 'value' } = more;
  return {
    path: path.map(String).join('.'),
    message,
    ...(expected !== undefined && { expected }),
    ...(nearest !== undefined && { nearest }),
    ...source.locate(path, part),
  };
}

/** A union complains once for each option: the complaints of the option whose shape was meant are the true ones. */
function flatten(issue: Issue, above: Path): { issue: Issue; path: Path }[] {
  const path = [...above, ...issue.path];
  if (issue.code !== 'invalid_union') return [{ issue, path }];
  const meant = issue.errors.find(
    (option) => option.length > 0 && option.every((inner) => inner.path.length > 0 || isKeyIssue(inner)),
  );
  return meant === undefined ? [{ issue, path }] : meant.flatMap((inner) => flatten(inner, path));
}

const isKeyIssue = (issue: Issue): boolean => issue.code === 'unrecognized_keys';

function describe(issue: Issue, path: Path, source: Source, words: Vocabulary): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    const valid = keysAt(words.schema, path);
    return issue.keys.slice(0, MAX_PROBLEMS).map((key) =>
      problemAt(source, [...path, key], `there is no field ${show(key)}`, {
        expected: `one of ${valid.join(', ')}`,
        nearest: nearestName(key, valid, words.synonyms),
        part: 'key',
      }),
    );
  }
  const name = path.map(String).join('.') || words.name;
  const expected = isPrecise(issue) ? issue.message : (expectedAt(path, words) ?? expectedBy(issue));
  const value = valueAt(source.value, path);
  if (value === undefined) return [problemAt(source, path, `${name} is missing`, { expected })];
  const valid = valuesOf(issue);
  return [
    problemAt(source, path, `${name} is ${show(value)}${quotesHint(issue, value)}`, {
      expected,
      nearest: typeof value === 'string' ? nearestName(value, valid) : undefined,
    }),
  ];
}

const isPrecise = (issue: Issue): boolean => issue.code === 'custom' && issue.params?.['precise'] === true;

/** The list of fields at the root; what the vocabulary says elsewhere, with any index as `[]`. */
function expectedAt(path: Path, { expected }: Vocabulary): string | undefined {
  if (path.length === 0) return 'a map of fields';
  const key = path.map((step) => (typeof step === 'number' ? '[]' : `.${String(step)}`)).join('');
  return expected?.[key.slice(1)];
}

/** The words that would have been valid, for an enum or a union with one. */
function valuesOf(issue: Issue): string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  if (issue.code === 'invalid_union') return issue.errors.flat().flatMap(valuesOf);
  return [];
}

/** YAML reads `1.0` and `true` as what they look like. */
const quotesHint = (issue: Issue, value: unknown): string =>
  issue.code === 'invalid_type' &&
  issue.expected === 'string' &&
  (typeof value === 'number' || typeof value === 'boolean')
    ? ', which is not a text: put it in quotes'
    : '';

function show(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'a map';
  const text = JSON.stringify(value);
  return text.length <= MAX_SHOWN_CHARS ? text : `${text.slice(0, MAX_SHOWN_CHARS)}…`;
}

function valueAt(value: unknown, path: Path): unknown {
  let found: unknown = value;
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined;
    found = Reflect.get(found, step);
  }
  return found;
}

/** The fields that the schema knows at a path, through its defaults, options and unions. */
function keysAt(schema: z.core.$ZodType, path: Path): string[] {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) return keysAt(schema.unwrap(), path);
  if (schema instanceof z.ZodUnion)
    return schema.options.flatMap((option: z.core.$ZodType) => keysAt(option, path));
  if (!(schema instanceof z.ZodObject)) return [];
  const [step, ...rest] = path;
  if (step === undefined) return Object.keys(schema.shape);
  const inner: z.core.$ZodType | undefined = schema.shape[String(step)];
  return inner === undefined ? [] : keysAt(inner, rest);
}
