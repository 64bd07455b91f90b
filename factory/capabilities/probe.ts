/** What this machine can do, found by looking: system, tools with their versions, engines, credentials. */
import { access } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Engine } from '../engines/engine.js';
import { runChild } from '../processes/child.js';
import { cleanEnvironment } from '../processes/environment.js';
import { findProgram } from '../processes/program.js';
import { classesOf, engineClassTag, engineTag } from '../../shared/rules/engine.js';
import { CREDENTIALS, TOOLS, type Credential, type Tool } from './tools.js';

/** A tool that does not tell its version by then is there without one (ms). They are asked at the same time. */
const VERSION_TIMEOUT_MS = 3000;

const SYSTEMS: Partial<Record<NodeJS.Platform, string>> = { darwin: 'mac', win32: 'windows' };

/** The first number in what a tool prints that looks like a version. */
const VERSION = /\d+\.\d+(?:\.\d+)?/;

export interface Capabilities {
  /** Sorted tags and tools: `os:linux`, `has:git`, `node@20.19.0`, `engine:shell`. */
  readonly advertises: readonly string[];
  readonly engineVersions: ReadonlyMap<string, string>;
}

/**
 * Looks at the machine; well below a second, since everything is asked at once.
 * @param engines only what this factory can run is advertised, whatever else is installed
 */
export async function probe(
  engines: readonly Engine[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Capabilities> {
  const engineVersions = new Map<string, string>();
  const found = await Promise.all([
    ...TOOLS.map((tool) => probeTool(tool, env)),
    ...CREDENTIALS.map((credential) => probeCredential(credential, env)),
    ...engines.map(async (engine) => {
      const presence = await engine.probe();
      if (!presence) return [];
      if (presence.version !== undefined) engineVersions.set(engine.name, presence.version);
      return [engineTag(engine.name), ...classesOf(engine.name).map(engineClassTag)];
    }),
  ]);
  const system = [`os:${SYSTEMS[process.platform] ?? process.platform}`, `arch:${process.arch}`];
  return { advertises: [...new Set([...system, ...found.flat()])].sort(), engineVersions };
}

async function probeTool(tool: Tool, env: NodeJS.ProcessEnv): Promise<string[]> {
  for (const name of tool.programs) {
    const program = await findProgram(name, env);
    if (program === undefined) continue;
    const version = tool.version && (await versionOf(program, tool.version, env));
    return [`has:${tool.name}`, ...(version === undefined ? [] : [`${tool.name}@${version}`])];
  }
  return [];
}

/** Undefined when it does not say in time. */
async function versionOf(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  let said = '';
  const end = await runChild({
    command: program,
    args,
    cwd: os.tmpdir(),
    env: cleanEnvironment(env),
    timeoutMs: VERSION_TIMEOUT_MS,
    killGraceMs: 0,
    onOutput(chunk) {
      said += chunk.toString('utf8');
      return undefined;
    },
  }).catch(() => undefined);
  return end?.exitCode === 0 ? VERSION.exec(said)?.[0] : undefined;
}

async function probeCredential(credential: Credential, env: NodeJS.ProcessEnv): Promise<string[]> {
  const tag = [`cred:${credential.name}`];
  if (credential.variables.some((variable) => env[variable])) return tag;
  const home = env['HOME'] ?? os.homedir();
  const there = await Promise.all(
    credential.files.map((file) =>
      access(path.join(home, file)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return there.includes(true) ? tag : [];
}
