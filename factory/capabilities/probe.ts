/** What this machine can do, found by looking: system, tools with their versions, engines, credentials. */
import type { Engine as EngineName } from '../../shared/contract/manifest.js';
import { classesOf, engineClassTag, engineTag } from '../../shared/rules/engine.js';
import type { Engine } from '../engines/engine.js';
import { findProgram } from '../processes/program.js';
import { NO_CONFIG, settingsOf, type FactoryConfig } from './config.js';
import { engineVariables } from '../processes/environment.js';
import { presenceOf } from './credentials.js';
import { CREDENTIALS, TOOLS, type NamedCredential, type Tool } from './tools.js';
import { versionOf } from './version.js';

const SYSTEMS: Partial<Record<NodeJS.Platform, string>> = { darwin: 'mac', win32: 'windows' };

/** One thing that was looked for, and what follows from it. */
export interface Finding {
  readonly kind: 'system' | 'tool' | 'engine' | 'credential' | 'config';
  readonly name: string;
  /** Tags that it brings; none where it was not found, or is of no use as it is. */
  readonly tags: readonly string[];
  /** For people: where it was found, or what is missing. */
  readonly why: string;
}

export interface Capabilities {
  /** Sorted tags and tools: `os:linux`, `has:git`, `node@20.19.0`, `engine:shell`. */
  readonly advertises: readonly string[];
  readonly engineVersions: ReadonlyMap<EngineName, string>;
  /** Everything that was looked for. */
  readonly findings: readonly Finding[];
}

/**
 * Looks at the machine; as long as the slowest tool takes to tell its version, since everything is asked at once.
 * @param engines only what this factory can run is advertised, whatever else is installed
 */
export async function probe(
  engines: readonly Engine[],
  env: NodeJS.ProcessEnv = process.env,
  config: FactoryConfig = NO_CONFIG,
): Promise<Capabilities> {
  const engineVersions = new Map<EngineName, string>();
  const found = await Promise.all([
    ...TOOLS.map((tool) => probeTool(tool, env)),
    ...CREDENTIALS.map((credential) => probeCredential(credential, env)),
    ...engines.map((engine) => probeEngine(engine, env, config, engineVersions)),
  ]);
  const os = `os:${SYSTEMS[process.platform] ?? process.platform}`;
  const looked: Finding[] = [
    { kind: 'system', name: 'system', tags: [os, `arch:${process.arch}`], why: 'this machine' },
    ...found,
    ...config.advertise.map((tag): Finding => ({
      kind: 'config',
      name: tag,
      tags: [tag],
      why: 'the configuration says so',
    })),
  ];
  const findings = looked.map((finding) => withoutHidden(finding, config.hide));
  const advertises = [...new Set(findings.flatMap(({ tags }) => tags))].sort();
  return { advertises, engineVersions, findings };
}

function withoutHidden(finding: Finding, hide: readonly string[]): Finding {
  const hidden = (tag: string): boolean =>
    hide.includes(tag) || hide.some((one) => one.startsWith('has:') && tag.startsWith(`${one.slice(4)}@`));
  const gone = finding.tags.filter(hidden);
  if (gone.length === 0) return finding;
  // A class without its engine would be a promise that nobody keeps.
  const tags = finding.tags.filter((tag) => !hidden(tag) && !(finding.kind === 'engine'));
  return { ...finding, tags, why: `${finding.why}; the configuration hides ${gone.join(', ')}` };
}

async function probeEngine(
  engine: Engine,
  env: NodeJS.ProcessEnv,
  config: FactoryConfig,
  versions: Map<EngineName, string>,
): Promise<Finding> {
  const { name } = engine;
  const settings = settingsOf(config, name);
  // What its run will not see does not log it in.
  const seen = engineVariables(env, engine.variables, [...config.pass, ...settings.pass]);
  const presence = await engine.probe(seen, settings);
  if (!presence) return { kind: 'engine', name, tags: [], why: 'not on this machine' };
  const { version, at, loggedIn, credential } = presence;
  if (version !== undefined) versions.set(name, version);
  const here = version === undefined ? at : `${version}, ${at}`;
  if (!loggedIn) return { kind: 'engine', name, tags: [], why: `${here}; not logged in: ${credential}` };
  const tags = [engineTag(name), ...classesOf(name).map(engineClassTag)];
  return { kind: 'engine', name, tags, why: `${here}; credential: ${credential}` };
}

async function probeTool(tool: Tool, env: NodeJS.ProcessEnv): Promise<Finding> {
  const { name } = tool;
  for (const candidate of tool.programs) {
    const program = await findProgram(candidate, env);
    if (program === undefined) continue;
    const version = tool.version && (await versionOf(program, tool.version, env));
    if (tool.mustAnswer && version === undefined)
      return { kind: 'tool', name, tags: [], why: `${program} does not answer: is its service running?` };
    const tags = [`has:${name}`, ...(version === undefined ? [] : [`${name}@${version}`])];
    return { kind: 'tool', name, tags, why: program };
  }
  return { kind: 'tool', name, tags: [], why: `no ${tool.programs.join(' or ')} on the PATH` };
}

async function probeCredential(credential: NamedCredential, env: NodeJS.ProcessEnv): Promise<Finding> {
  const { name } = credential;
  const found = await presenceOf(credential, env);
  return found === undefined
    ? { kind: 'credential', name, tags: [], why: 'not there' }
    : { kind: 'credential', name, tags: [`cred:${name}`], why: found };
}
