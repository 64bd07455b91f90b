/** Which engine runs a job: the one mapping of engine classes to engines. */
import { ENGINES, EngineSchema } from '../contract/manifest.js';
import type { ENGINE_CLASSES, Engine, Manifest } from '../contract/manifest.js';

export type EngineClass = (typeof ENGINE_CLASSES)[number];

/** A prompt without an engine asks for a coder; never for `shell`, which runs what it is told. */
export const DEFAULT_ENGINE_CLASS: EngineClass = 'agentic-coder';

/** Members of each class, the first choice first. */
export const ENGINES_OF_CLASS: Record<EngineClass, readonly Engine[]> = {
  'agentic-coder': ['claude', 'codex', 'copilot', 'opencode', 'gemini', 'devin'],
  script: ['shell'],
};

export const engineTag = (engine: Engine): string => `engine:${engine}`;
export const engineClassTag = (engineClass: EngineClass): string => `engine-class:${engineClass}`;

/** The classes that an engine belongs to. */
export const classesOf = (engine: Engine): EngineClass[] =>
  (Object.keys(ENGINES_OF_CLASS) as EngineClass[]).filter((name) => ENGINES_OF_CLASS[name].includes(engine));

type EngineFields = Pick<Manifest, 'engine' | 'engine-class' | 'capabilities' | 'prefers'>;

/** The engine that a manifest names, as a field or as a capability; undefined when it leaves the choice to the claim. */
export function namedEngine(manifest: Pick<EngineFields, 'engine' | 'capabilities'>): Engine | undefined {
  if (manifest.engine !== undefined) return manifest.engine;
  const tag = manifest.capabilities.find((capability) => capability.startsWith('engine:'));
  return EngineSchema.safeParse(tag?.slice('engine:'.length)).data;
}

/**
 * The engine that runs the job on a factory with these tags: the named one, or else the first of the class that the
 * factory has, those that the job prefers (`engine:codex` or `codex`) before the others. Undefined when the factory
 * has none of them.
 * @param job `needs`: what manifest and profile ask for together (profile.ts)
 */
export function resolveEngine(
  job: { engine?: Engine | undefined; needs: EngineFields },
  advertises: readonly string[],
): Engine | undefined {
  const has = (engine: Engine): boolean => advertises.includes(engineTag(engine));
  const named = job.engine ?? namedEngine(job.needs);
  if (named !== undefined) return has(named) ? named : undefined;
  const members = ENGINES_OF_CLASS[job.needs['engine-class'] ?? DEFAULT_ENGINE_CLASS];
  const preferred = members.filter(
    (engine) => job.needs.prefers.includes(engineTag(engine)) || job.needs.prefers.includes(engine),
  );
  return [...preferred, ...members].find(has);
}

/** The engine of a tag such as `engine:claude`; undefined for any other tag. */
export function engineOfTag(tag: string): Engine | undefined {
  return ENGINES.find((engine) => tag === engineTag(engine));
}
