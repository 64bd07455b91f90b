/** The engines that this factory can run. A new one is a file beside this and a line here. */
import type { Engine as EngineName } from '../../shared/contract/manifest.js';
import type { Engine } from './engine.js';
import { shell } from './shell.js';

export const ENGINES: readonly Engine[] = [shell];

/** The engine of that name; undefined when this factory cannot run it. */
export const engineNamed = (name: EngineName, engines: readonly Engine[] = ENGINES): Engine | undefined =>
  engines.find((engine) => engine.name === name);
