/**
 * Profiles: who works on a job, and within what limits. A profile is written like a manifest (YAML front matter above
 * the persona, or JSON), kept in versions, and copied into the job when a factory takes it: an edit never changes a
 * job in flight.
 */
import { z } from 'zod';
import { CapabilitySchema, ENGINE_CLASSES, EngineSchema, ReviewPolicySchema } from './manifest.js';
import { PathPatternSchema } from './pathPattern.js';
import { line, text } from './plainText.js';

/** Largest persona, in characters: it stands before every prompt. */
export const MAX_PERSONA_CHARS = 16 * 1024;
const MAX_PATTERNS = 200;

export const ProfileNameSchema = z
  .string()
  .max(60)
  .regex(/^[a-z][a-z0-9-]*$/, 'expected a profile name such as backend-engineer');

/** What a job that names the profile gets where it says nothing itself. Keys as people write them. */
export const ProfileSpecSchema = z.strictObject({
  title: line().min(1).max(100),
  /** In one sentence: what it is for. */
  summary: line().min(1).max(300),
  /** Goes before the job's body. */
  persona: text().min(1).max(MAX_PERSONA_CHARS),
  /** Hard requirements, added to the job's own. */
  capabilities: z.array(CapabilitySchema).max(50).default([]),
  'engine-class': z.enum(ENGINE_CLASSES).optional(),
  /** Engines to choose before the others of the class, the best first. */
  'prefers-engine': z.array(EngineSchema).max(10).default([]),
  /** Shell command, run in the worktree after the engine; exit code 0 passes. */
  'default-verify': text().min(1).max(4000).optional(),
  /** Glob patterns of paths that a change may touch, relative to the repository's root; left out, all of them. */
  'allowed-scope': z.array(PathPatternSchema).max(MAX_PATTERNS).optional(),
  'review-policy': ReviewPolicySchema.optional(),
  /** `branch`: a feature branch, merged when somebody ships it. `direct`: to the base branch, where the product allows it too. */
  'push-policy': z.enum(['branch', 'direct']).default('branch'),
  /** `plan`: on a composite job its work is a plan, which becomes the job's children. `change`: a change of the repository. */
  produces: z.enum(['change', 'plan']).default('change'),
});
export type ProfileSpecInput = z.input<typeof ProfileSpecSchema>;
export type ProfileSpec = z.output<typeof ProfileSpecSchema>;

/** The version of a profile that a job was assigned with, whole. */
export const ProfileSnapshotSchema = z.strictObject({
  name: ProfileNameSchema,
  /** `fleet` for the catalogue, or the product whose own profile it is. */
  owner: z.string(),
  /** 1 is the first. */
  version: z.number().int().positive(),
  spec: ProfileSpecSchema,
});
export type ProfileSnapshot = z.output<typeof ProfileSnapshotSchema>;

/** Of the catalogue, which all products may use. */
export const CATALOGUE_OWNER = 'fleet';

/**
 * One version of a profile, never changed. `profile:<name>` is a copy of the newest one; both are written together, so
 * the versions are the record of who changed what, when and why.
 */
export const ProfileSchema = z.strictObject({
  /** `profile:<name>` or `version:<name>:<number>` */
  id: z.string(),
  type: z.enum(['profile', 'version']),
  /** The owner: `fleet` or the product. */
  productId: z.string(),
  name: ProfileNameSchema,
  version: z.number().int().positive(),
  spec: ProfileSpecSchema,
  at: z.iso.datetime(),
  by: z.strictObject({ kind: z.enum(['operator', 'factory', 'tracker', 'system']), id: z.string() }),
  /** Why it was changed. */
  note: z.string().optional(),
});
export type Profile = z.output<typeof ProfileSchema>;

export const PutProfileSchema = z.strictObject({
  note: z.string().min(1).max(1000).optional(),
  /** The version that was edited: refused when there is a newer one. 0 or left out for a new profile. */
  basedOn: z.number().int().nonnegative().default(0),
  /** As JSON, or the text of a file: front matter above the persona. */
  profile: z.union([z.record(z.string(), z.unknown()), z.string().max(64 * 1024)]),
});
export type PutProfile = z.output<typeof PutProfileSchema>;
