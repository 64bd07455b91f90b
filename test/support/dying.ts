// A process that dies between two writes: from then on it reaches nothing any more, and what it still does is as if it
// had never been. Scenarios run once for each write, so that one more write in the product is one more place to die.
import type { Deps } from '../../functions/operations/deps.js';
import type { BatchStep } from '../../shared/cloud/documents.js';

/** What a dead process meets wherever it reaches out. */
export class Died extends Error {
  override readonly name = 'Died';
}

export interface Mortal {
  readonly deps: Deps;
  /** What was written, in the order in which the writes began: verb, container or queue, and the documents' types. */
  readonly writes: readonly string[];
  readonly isDead: () => boolean;
  /** The global `fetch` of the process: what it changes elsewhere counts as a write. */
  readonly fetch: typeof fetch;
}

/** Far beyond the writes of any operation: a scenario that never gets through is broken. */
const MAX_WRITES = 60;

/** @param lives writes that still reach their service; the process dies at the next one */
export function mortal(deps: Deps, lives: number): Mortal {
  const writes: string[] = [];
  let dead = false;
  const write =
    <A extends readonly unknown[], R>(
      call: (...args: A) => Promise<R>,
      labelOf: (...args: A) => string,
    ): ((...args: A) => Promise<R>) =>
    async (...args) => {
      if (writes.length >= lives) dead = true;
      if (dead) throw new Died(`died before: ${labelOf(...args)}`);
      writes.push(labelOf(...args));
      return call(...args);
    };
  const read =
    <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>): ((...args: A) => Promise<R>) =>
    async (...args) => {
      if (dead) throw new Died('is dead');
      return call(...args);
    };
  const { documents, bus, blobs } = deps;
  const genuineFetch = globalThis.fetch;
  const get = read(genuineFetch);
  const change = write(genuineFetch, (_url, init) => `http ${init?.method ?? 'GET'}`);
  const one = (verb: string) => (container: string, document: unknown) =>
    `${verb} ${container} ${typeOf(document)}`;
  return {
    writes,
    isDead: () => dead,
    fetch: (url, init) => ((init?.method ?? 'GET') === 'GET' ? get : change)(url, init),
    deps: {
      ...deps,
      documents: {
        close: () => {},
        read: read(documents.read.bind(documents)) as typeof documents.read,
        query: read(documents.query.bind(documents)) as typeof documents.query,
        select: read(documents.select.bind(documents)) as typeof documents.select,
        create: write(documents.create.bind(documents), one('create')) as typeof documents.create,
        upsert: write(documents.upsert.bind(documents), one('upsert')) as typeof documents.upsert,
        replace: write(documents.replace.bind(documents), (container, _partition, document) =>
          one('replace')(container, document),
        ) as typeof documents.replace,
        patch: write(
          documents.patch.bind(documents),
          (container) => `patch ${container}`,
        ) as typeof documents.patch,
        remove: write(documents.remove.bind(documents), (container) => `remove ${container}`),
        batch: write(
          documents.batch.bind(documents),
          (container, _partition, steps) => `batch ${container} ${steps.map(stepName).join('+')}`,
        ),
      },
      bus: {
        close: () => Promise.resolve(),
        waiting: read(bus.waiting.bind(bus)),
        send: write(bus.send.bind(bus), (queue) => `send ${queue}`),
      },
      blobs: {
        log: read(blobs.log.bind(blobs)),
        read: read(blobs.read.bind(blobs)),
        append: write(blobs.append.bind(blobs), (container) => `append ${container}`),
        closeLog: write(blobs.closeLog.bind(blobs), (container) => `close ${container}`),
        put: write(blobs.put.bind(blobs), (container) => `put ${container}`),
      },
    },
  };
}

const typeOf = (document: unknown): string => String((document as { type?: string }).type);
const stepName = (step: BatchStep): string => ('document' in step ? typeOf(step.document) : step.kind);

/** Does something until it is done or the process dies. @throws what else goes wrong */
export async function untilDead(process: Mortal, act: (deps: Deps) => Promise<unknown>): Promise<void> {
  try {
    await act(process.deps);
  } catch (error) {
    if (!process.isDead()) throw error;
  }
}

/**
 * Runs a scenario with a process that dies before its first write, then with one that dies before its second, and so
 * on, until it gets through.
 * @returns the writes of the run that got through
 */
export async function atEachWrite(
  deps: Deps,
  scenario: (process: Mortal) => Promise<void>,
): Promise<readonly string[]> {
  for (let lives = 0; lives < MAX_WRITES; lives += 1) {
    const process = mortal(deps, lives);
    try {
      await scenario(process);
    } catch (error) {
      const where = process.isDead() ? `died after ${process.writes.join(', ') || 'nothing'}` : 'got through';
      throw new Error(`the process that ${where}: ${String(error)}`, { cause: error });
    }
    if (!process.isDead()) return process.writes;
  }
  throw new Error(`the operation makes more than ${MAX_WRITES} writes`);
}
