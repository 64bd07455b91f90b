/**
 * What a job needs and what a factory has. A requirement is a tag (`has:xcode`, `os:mac`), compared as text, or a
 * tool with a version range (`node>=20`), compared by semver. There is no negation.
 */
import semver from 'semver';
import type { Engine, Manifest } from '../contract/manifest.js';
import {
  DEFAULT_ENGINE_CLASS,
  classesOf,
  engineClassTag,
  engineOfTag,
  engineTag,
  namedEngine,
} from './engine.js';

const ANY_OS = 'os:any';
const CLASS_PREFIX = 'engine-class:';
const SHAPE = /^([a-z][a-z0-9.+-]*(?::[a-z0-9][a-z0-9._+-]*)?)\s*([<>=^~].*)?$/;
const COMPARATOR = /(>=|<=|>|<|=|\^|~)\s*(\d+(?:\.\d+){0,2})/g;
/** A nightly build of 22 is at least 20 for us: who advertises it has chosen it. */
const SEMVER = { includePrerelease: true } as const;

interface Requirement {
  name: string;
  /** Semver range; absent for a plain tag. */
  range?: string;
}

function parse(requirement: string): Requirement {
  const [, name, range] = SHAPE.exec(requirement.trim()) ?? [];
  if (name === undefined) return { name: requirement };
  if (range === undefined) return { name };
  return { name, range: [...range.matchAll(COMPARATOR)].map((part) => `${part[1]}${part[2]}`).join(' ') };
}

/** One spelling for each requirement: `node >= 20 <23` becomes `node>=20<23`. */
const normalise = (requirement: string): string => {
  const { name, range = '' } = parse(requirement);
  return name + range.replaceAll(' ', '');
};

/**
 * The hard requirements of a job, normalised, without repetition and sorted; they decide its lane and pools.
 * @param engine the engine that was settled on where the manifest leaves it open (a product's default)
 */
export function requirementsOf(
  manifest: Pick<Manifest, 'engine' | 'engine-class' | 'capabilities'>,
  engine?: Engine,
): string[] {
  const named = engine ?? namedEngine(manifest);
  const engineNeed =
    named === undefined ? engineClassTag(manifest['engine-class'] ?? DEFAULT_ENGINE_CLASS) : engineTag(named);
  const all = [...manifest.capabilities.map(normalise), engineNeed].filter((tag) => tag !== ANY_OS);
  return [...new Set(all)].sort();
}

/** Versions of real tools are not always semver (`3.12`, `2.43.0.windows.1`): then the numbers in front count. */
const versionOf = (text: string): string | undefined => (semver.parse(text) ?? semver.coerce(text))?.version;

/** A factory's tags and tools, ready to be asked many times. */
function index(advertises: readonly string[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const add = (name: string, version?: string): void => {
    const versions = found.get(name) ?? [];
    if (version !== undefined) versions.push(version);
    found.set(name, versions);
  };
  for (const item of advertises) {
    // A class follows from engines that we can start: a bare tag would win jobs that nothing could then run.
    if (item.startsWith(CLASS_PREFIX)) continue;
    const at = item.lastIndexOf('@');
    const name = at > 0 ? item.slice(0, at) : item;
    add(name, at > 0 ? versionOf(item.slice(at + 1)) : undefined);
    const engine = engineOfTag(name);
    if (engine !== undefined) for (const one of classesOf(engine)) add(engineClassTag(one));
  }
  return found;
}

/** A question to one factory, asked for many jobs: which of these requirements does it lack? */
export function capabilityCheck(
  advertises: readonly string[],
): (requirements: readonly string[]) => string[] {
  const have = index(advertises);
  const satisfies = (requirement: string): boolean => {
    const { name, range } = parse(requirement);
    const versions = have.get(name);
    if (name === ANY_OS) return true;
    if (versions === undefined) return false;
    return range === undefined || versions.some((version) => semver.satisfies(version, range, SEMVER));
  };
  return (requirements) => requirements.filter((requirement) => !satisfies(requirement));
}

/** The requirements that a factory with these tags and tools (`node@20.20.2`) does not satisfy. */
export const missing = (requirements: readonly string[], advertises: readonly string[]): string[] =>
  capabilityCheck(advertises)(requirements);

/**
 * Does every member of a pool satisfy the requirement, whatever else it has? A pool declares requirements on its
 * members, so `node>=20` guarantees `node>=18` and `node`, and `engine:claude` guarantees its class.
 */
export function guarantees(poolCapabilities: readonly string[], requirement: string): boolean {
  const wanted = parse(requirement);
  if (wanted.name === ANY_OS) return true;
  return poolCapabilities.some((declared) => {
    const given = parse(declared);
    if (given.name !== wanted.name) {
      const engine = engineOfTag(given.name);
      return engine !== undefined && classesOf(engine).some((one) => engineClassTag(one) === wanted.name);
    }
    if (wanted.range === undefined) return true;
    return given.range !== undefined && semver.subset(given.range, wanted.range, SEMVER);
  });
}
