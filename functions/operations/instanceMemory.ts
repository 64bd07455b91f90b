import type { Deps } from './deps.js';

/**
 * Something that an instance of the function app remembers between invocations: it comes with the instance's
 * connection and goes with it, so that two instances in one process do not know what only the other has seen.
 */
export function instanceMemory<T>(make: () => T): (deps: Pick<Deps, 'documents'>) => T {
  const memories = new WeakMap<object, T>();
  return ({ documents }) => {
    const known = memories.get(documents);
    if (known !== undefined) return known;
    const made = make();
    memories.set(documents, made);
    return made;
  };
}
