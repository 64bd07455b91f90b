/** The engines that a factory can run. A new one is a file beside this and a line here. */
import type { Engine as EngineName } from '../../shared/contract/manifest.js';
import { claude } from './claude.js';
import { codex } from './codex.js';
import { copilot } from './copilot.js';
import { devin } from './devin.js';
import type { Engine } from './engine.js';
import { gemini } from './gemini.js';
import { opencode } from './opencode.js';
import { shell } from './shell.js';

export const ENGINES: readonly Engine[] = [shell, claude, codex, copilot, opencode, gemini, devin];

/** The engine of that name; undefined when this factory cannot run it. */
export const engineNamed = (name: EngineName, engines: readonly Engine[] = ENGINES): Engine | undefined =>
  engines.find((engine) => engine.name === name);
