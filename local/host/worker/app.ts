// A function app inside the worker: load its files, run its functions. Used by the forked worker and in-process.
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { AppRegistry, installCore, programmingModel } from './core.js';
import type { CoreInvocationContext, HookContext } from './core.js';
import { findEntryPoints } from './entryPoints.js';
import type { InvocationRequest, InvocationResponse, LoadedApp, WorkerLog } from './protocol.js';

let loads = 0;

/**
 * One loaded app. A process holds one at a time: `@azure/functions` keeps its state in module variables. An ESM
 * app that calls `app.setup` can therefore be loaded once in a process; the forked worker never needs more.
 */
export class App {
  readonly #registry: AppRegistry;

  constructor(log: (entry: WorkerLog) => void) {
    this.#registry = new AppRegistry(log);
  }

  /** Loads the entry points, runs the appStart hooks and closes registration. @throws what the app throws */
  async load(appDir: string): Promise<LoadedApp> {
    installCore(this.#registry);
    const { files, moduleType } = findEntryPoints(appDir);
    const require = createRequire(path.join(appDir, 'package.json'));
    if (++loads > 1) forget(require, appDir);
    for (const file of files) {
      const extension = path.extname(file);
      const isModule = extension === '.mjs' || (extension !== '.cjs' && moduleType === 'module');
      if (isModule) await import(`${pathToFileURL(file).href}${loads > 1 ? `?load=${loads}` : ''}`);
      else require(file);
    }
    await this.#registry.runHooks('appStart', { hookData: {} });
    const model = programmingModel();
    const { HttpUri } = await onLoopback(() => model.getCapabilities({}));
    this.#registry.lock();
    const functions = [...this.#registry.functions.values()].map(({ metadata }) => metadata);
    return HttpUri ? { functions, streamUrl: HttpUri } : { functions };
  }

  /** Runs one function once, hooks included. @throws what the handler, or a hook, throws */
  async invoke(request: InvocationRequest): Promise<InvocationResponse> {
    const found = this.#registry.functions.get(request.functionId);
    if (!found) throw new Error(`The app has no function "${request.functionId}".`);
    let invocationContext: object | undefined;
    const core: CoreInvocationContext = {
      invocationId: request.invocationId,
      request,
      metadata: found.metadata,
      log: (level, category, message) =>
        this.#registry.log(
          {
            level,
            category,
            message,
            functionName: found.metadata.name,
            invocationId: request.invocationId,
          },
          invocationContext,
        ),
    };
    const invocation = programmingModel().getInvocationModel(core);
    const { context, inputs } = await invocation.getArguments();
    invocationContext = context;
    const hookData = {};

    core.state = 'preInvocationHooks';
    const before = { hookData, inputs, functionCallback: found.handler, invocationContext: context };
    await this.#registry.runHooks('preInvocation', before);

    const after: HookContext = {
      hookData,
      inputs: before.inputs,
      result: null,
      error: null,
      invocationContext: context,
    };
    core.state = 'invocation';
    try {
      after['result'] = await invocation.invokeFunction(context, before.inputs, before.functionCallback);
    } catch (error) {
      after['error'] = error ?? new Error('The function failed without an error.');
    }
    // A hook may turn a failure into a result or the other way round, so these decide, not the handler.
    core.state = 'postInvocationHooks';
    await this.#registry.runHooks('postInvocation', after);
    if (after['error'] !== null && after['error'] !== undefined) throw after['error'];
    return invocation.getResponse(context, after['result']);
  }

  async terminate(): Promise<void> {
    await this.#registry.runHooks('appTerminate', { hookData: {} });
  }
}

/** In-process restarts only: drops the app's CommonJS modules and the library's state with them. */
function forget(require: NodeJS.Require, appDir: string): void {
  const library = `${path.sep}@azure${path.sep}functions${path.sep}`;
  const own = (file: string): boolean => file.startsWith(appDir + path.sep) && !file.includes('node_modules');
  for (const file of Object.keys(require.cache))
    if (own(file) || file.includes(library)) delete require.cache[file];
}

/** The library's streaming proxy listens on every interface; here nothing leaves the machine. */
async function onLoopback<T>(run: () => Promise<T>): Promise<T> {
  const { prototype } = net.Server;
  const original = Object.getOwnPropertyDescriptor(prototype, 'listen') as PropertyDescriptor;
  const listen = original.value as (this: net.Server, options: object, ready?: () => void) => net.Server;
  prototype.listen = function (this: net.Server, ...args: unknown[]): net.Server {
    const ready = args.find((argument) => typeof argument === 'function') as (() => void) | undefined;
    const port = typeof args[0] === 'number' ? args[0] : 0;
    return listen.call(this, { port, host: '127.0.0.1' }, ready);
  };
  try {
    return await run();
  } finally {
    Object.defineProperty(prototype, 'listen', original);
  }
}
