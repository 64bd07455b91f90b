/**
 * The job manifest: what a person or a tracker asks for. Written as YAML front matter above a prompt, or as JSON;
 * shared/manifest.ts reads both into this one schema. An old file with only engine, cwd and yolo stays valid.
 */
import { z } from 'zod';
import { PathPatternSchema } from './pathPattern.js';
import { line, text } from './plainText.js';

/** Engines in one place: the name a job asks for, and the classes it belongs to. */
export const ENGINES = ['shell', 'claude', 'codex', 'copilot', 'devin', 'opencode', 'gemini'] as const;
export const ENGINE_CLASSES = ['agentic-coder', 'script'] as const;
export const PRIORITIES = ['critical', 'high', 'medium', 'low'] as const;
export const RETRY_REASONS = ['timeout', 'verify_failed', 'engine_failed', 'lost'] as const;

/** Largest prompt, in characters: with its events a job stays well under the 2 MB that a batch may hold. */
export const MAX_BODY_CHARS = 256 * 1024;
export const DEFAULT_TIMEOUT_SECONDS = 45 * 60;

export const EngineSchema = z.enum(ENGINES);
export type Engine = z.infer<typeof EngineSchema>;
export const PrioritySchema = z.enum(PRIORITIES);
export type Priority = z.infer<typeof PrioritySchema>;
export const RetryReasonSchema = z.enum(RETRY_REASONS);
export type RetryReason = z.infer<typeof RetryReasonSchema>;

/** Longest duration, in seconds (30 days): what is added to a date must stay a date. */
export const MAX_DURATION_SECONDS = 30 * 86_400;
const MAX_USD = 1_000_000;
const MAX_TOKENS = 1_000_000_000_000;
const MAX_NAME_CHARS = 100;
const MAX_ADDRESS_CHARS = 1000;

const UNIT_SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** `90s`, `45m`, `4h`, `1d`, or a number of seconds. Result in whole seconds. */
export const DurationSchema = z
  .union([
    z.number().int().positive(),
    z.string().regex(/^\d+(\.\d+)?\s*[smhd]$/, 'expected a duration such as 90s, 45m, 4h or 1d'),
  ])
  .transform((value) => {
    if (typeof value === 'number') return value;
    const unit = value.at(-1) as keyof typeof UNIT_SECONDS;
    return Math.round(Number.parseFloat(value) * UNIT_SECONDS[unit]);
  })
  .refine((seconds) => seconds >= 1 && seconds <= MAX_DURATION_SECONDS, 'expected 1s to 30d');

/** `5`, `$5`, `2.50`. Result in US dollars. */
export const UsdSchema = z
  .union([
    z.number().positive(),
    z.string().regex(/^\$?\d+(\.\d+)?$/, 'expected an amount in US dollars such as $5 or 2.50'),
  ])
  .transform((value) => (typeof value === 'number' ? value : Number.parseFloat(value.replace('$', ''))))
  .refine((usd) => usd > 0 && usd <= MAX_USD, 'expected an amount above zero, at most 1000000');

/** `200000`, `200k`, `2M`. Result in tokens. */
export const TokensSchema = z
  .union([
    z.number().int().positive(),
    z.string().regex(/^\d+(\.\d+)?[kM]?$/, 'expected a number of tokens such as 200000, 200k or 2M'),
  ])
  .transform((value) => {
    if (typeof value === 'number') return value;
    const factor = value.endsWith('M') ? 1_000_000 : value.endsWith('k') ? 1_000 : 1;
    return Math.round(Number.parseFloat(value) * factor);
  })
  .refine((tokens) => tokens >= 1 && tokens <= MAX_TOKENS, 'expected 1 to 1000000M tokens');

/**
 * One hard requirement: a tag (`os:mac`, `has:xcode`, `gpu`, `engine:claude`, `os:any`) or a tool with a semver
 * range (`node>=20`). There is no negation: a job that must not run somewhere asks for what it needs instead.
 */
export const CapabilitySchema = z
  .string()
  .max(MAX_NAME_CHARS)
  .regex(
    /^[a-z][a-z0-9.+-]*(:[a-z0-9][a-z0-9._+-]*)?(\s*(>=|<=|>|<|=|\^|~)\s*\d+(\.\d+){0,2})*$/,
    'expected a tag such as has:xcode or os:linux, or a tool with a version range such as node>=20',
  );

const ReviewerSchema = z
  .string()
  .regex(/^@?[\w.-]+(@[\w.-]+)?$/, 'expected a reviewer such as @alice or alice@example.com');
export const ReviewPolicySchema = z.union([
  z.enum(['auto', 'manual']),
  z.strictObject({
    reviewers: z.array(ReviewerSchema).min(1),
    quorum: z.number().int().positive().default(1),
  }),
]);
export type ReviewPolicy = z.infer<typeof ReviewPolicySchema>;

/** A branch or a path that ends up in a git command line: no leading dash, no blanks or control characters. */
const GitNameSchema = line().regex(/^[^-\s~^:?*[\\][^\s~^:?*[\\]*$/, 'expected a git branch name');

/** Keys as people write them (kebab case). Every field but the body may be left out. */
export const ManifestSchema = z.strictObject({
  title: line().min(1).max(200).optional(),
  engine: EngineSchema.optional(),
  'engine-class': z.enum(ENGINE_CLASSES).optional(),
  profile: z
    .string()
    .max(60)
    .regex(/^[a-z][a-z0-9-]*$/, 'expected a profile name such as backend-engineer')
    .optional(),
  /** A checkout on the factory's own disk (old files); `repo` is the way for a fleet. */
  cwd: line().min(1).max(MAX_ADDRESS_CHARS).optional(),
  /** What git can clone: an https or ssh address, or a path. */
  repo: line()
    .max(MAX_ADDRESS_CHARS)
    .regex(/^[^-\s]\S*$/, 'expected an address or a path that git can clone')
    .optional(),
  'base-branch': GitNameSchema.default('main'),
  yolo: z.boolean().default(false),
  /** Jobs with the same lock never run at the same time, anywhere in the fleet. */
  lock: line().min(1).max(100).optional(),
  timeout: DurationSchema.default(DEFAULT_TIMEOUT_SECONDS),
  /** Shell command, run in the worktree after the engine; exit code 0 passes. */
  verify: text().min(1).max(4000).optional(),
  capabilities: z.array(CapabilitySchema).max(50).default([]),
  prefers: z.array(line().min(1).max(MAX_NAME_CHARS)).max(50).default([]),
  priority: PrioritySchema.default('medium'),
  budget: z
    .strictObject({
      usd: UsdSchema.optional(),
      tokens: TokensSchema.optional(),
      wall: DurationSchema.optional(),
    })
    .default({}),
  'idempotency-key': line().min(1).max(200).optional(),
  retry: z
    .strictObject({
      max: z.number().int().min(0).max(20).default(2),
      backoff: DurationSchema.default(10),
      on: z.array(RetryReasonSchema).default(['timeout', 'engine_failed', 'lost']),
    })
    .default({ max: 2, backoff: 10, on: ['timeout', 'engine_failed', 'lost'] }),
  /** Left out: the profile's, else `manual`. */
  'review-policy': ReviewPolicySchema.optional(),
  artifacts: z.array(PathPatternSchema).max(50).default([]),
  'tracker-item': line().min(1).max(200).optional(),
  kind: z.enum(['leaf', 'composite']).default('leaf'),
  deps: z.array(line().min(1)).max(1000).default([]),
  targetFactoryId: line().min(1).max(MAX_NAME_CHARS).optional(),
  /** The prompt; for the shell engine, the script. */
  body: text().max(MAX_BODY_CHARS),
});

/** What may be written. */
export type ManifestInput = z.input<typeof ManifestSchema>;
/** What is stored: defaults filled in, units resolved (seconds, tokens, US dollars). */
export type Manifest = z.output<typeof ManifestSchema>;
