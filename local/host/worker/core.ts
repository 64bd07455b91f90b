// `@azure/functions-core`: the module that the real worker offers to `@azure/functions` and that is not on npm.
// The library asks for it once and keeps the answer, so the module object is one per process and speaks for
// whichever app is being loaded or run.
import Module from 'node:module';
import type {
  FunctionMetadata,
  InvocationRequest,
  InvocationResponse,
  LogLevel,
  WorkerLog,
} from './protocol.js';

export type Handler = (...args: unknown[]) => unknown;
export type HookName = 'appStart' | 'appTerminate' | 'preInvocation' | 'postInvocation' | 'log';
export type HookContext = Record<string, unknown>;
type Hook = (context: HookContext) => unknown;

export interface CoreInvocationContext {
  invocationId: string;
  request: InvocationRequest;
  metadata: FunctionMetadata;
  state?: 'preInvocationHooks' | 'invocation' | 'postInvocationHooks';
  log(level: LogLevel, category: 'user' | 'system', message: string): void;
}

/** One invocation as the library runs it: arguments in, handler, response out. */
export interface InvocationModel {
  getArguments(): Promise<{ context: object; inputs: unknown[] }>;
  invokeFunction(context: object, inputs: unknown[], handler: Handler): Promise<unknown>;
  getResponse(context: object, result: unknown): Promise<InvocationResponse>;
}

interface ProgrammingModel {
  name: string;
  version: string;
  getInvocationModel(context: CoreInvocationContext): InvocationModel;
  getCapabilities(capabilities: Record<string, string>): Promise<Record<string, string>>;
}

const HOOKS: readonly HookName[] = ['appStart', 'appTerminate', 'preInvocation', 'postInvocation', 'log'];

class Disposable {
  #dispose: (() => void) | undefined;
  constructor(dispose: () => void) {
    this.#dispose = dispose;
  }
  dispose(): void {
    this.#dispose?.();
    this.#dispose = undefined;
  }
}

/** Everything one app registers: its functions and its hooks. */
export class AppRegistry {
  readonly functions = new Map<string, { metadata: FunctionMetadata; handler: Handler }>();
  readonly #hooks = new Map<HookName, Set<Hook>>(HOOKS.map((name) => [name, new Set()]));
  readonly #sink: (entry: WorkerLog) => void;
  #locked = false;

  constructor(sink: (entry: WorkerLog) => void) {
    this.#sink = sink;
  }

  /** After this, registering a function throws, as in the real worker. */
  lock(): void {
    this.#locked = true;
  }

  register(metadata: FunctionMetadata & { functionId?: string }, handler: Handler): Disposable {
    const id = metadata.functionId ?? metadata.name;
    if (this.#locked)
      throw new Error(`A function can only be registered during app startup ("${metadata.name}").`);
    if (this.functions.has(id)) throw new Error(`A function with id "${id}" has already been registered.`);
    this.functions.set(id, { metadata, handler });
    return new Disposable(() => this.functions.delete(id));
  }

  addHook(name: string, hook: Hook): Disposable {
    const hooks = this.#hooks.get(name as HookName);
    if (!hooks) throw new RangeError(`Unrecognized hook "${name}".`);
    hooks.add(hook);
    return new Disposable(() => hooks.delete(hook));
  }

  /** Runs the hooks one after the other; a hook that throws stops the rest and fails what it belongs to. */
  async runHooks(name: HookName, context: HookContext): Promise<void> {
    for (const hook of this.#hooks.get(name) ?? []) await hook(context);
  }

  /** Passes an entry through the app's log hooks, which may change level and message, and on to the host. */
  log(entry: WorkerLog, invocationContext?: object): void {
    const context: HookContext = { hookData: {}, ...entry, invocationContext };
    for (const hook of this.#hooks.get('log') ?? []) {
      try {
        hook(context);
      } catch (error) {
        this.#sink({ level: 'error', category: 'system', message: `A log hook failed: ${String(error)}` });
      }
    }
    this.#sink({ ...entry, level: context['level'] as LogLevel, message: String(context['message']) });
  }
}

let current: AppRegistry | undefined;
// The library sets its model once in a process, when the first function is registered.
let model: ProgrammingModel | undefined;

const registry = (): AppRegistry => {
  if (!current) throw new Error('No function app is being loaded.');
  return current;
};

const core = {
  version: '3.10.0',
  hostVersion: '4.834.0',
  Disposable,
  log: (level: LogLevel, category: 'user' | 'system', message: string): void =>
    current?.log({ level, category, message }),
  registerFunction: (metadata: FunctionMetadata, handler: Handler) => registry().register(metadata, handler),
  registerHook: (name: string, hook: Hook) => registry().addHook(name, hook),
  setProgrammingModel: (chosen: ProgrammingModel): void => {
    model = chosen;
  },
  getProgrammingModel: () => model,
};

/** @throws Error when the loaded app never asked for `@azure/functions` */
export function programmingModel(): ProgrammingModel {
  if (!model) throw new Error('The app registered nothing: it has no "@azure/functions" v4 function.');
  return model;
}

let hooked = false;

/** From now on `require('@azure/functions-core')` gives the core, and registrations go to this registry. */
export function installCore(target: AppRegistry): void {
  current = target;
  if (hooked) return;
  hooked = true;
  const { value } = Object.getOwnPropertyDescriptor(Module.prototype, 'require') as PropertyDescriptor;
  const require = value as (this: Module, id: string) => unknown;
  Module.prototype.require = function (this: Module, id: string): unknown {
    return id === '@azure/functions-core' ? core : require.call(this, id);
  } as NodeJS.Require;
}
