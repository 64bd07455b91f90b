/** Which manifests of a set wait for which: drawn by `aq manifest graph`, checked before children are created. */
import { parseDep } from '../rules/dag.js';

export interface Named {
  /** How the others of the set name it in their `deps`. */
  readonly key: string;
  readonly deps: readonly string[];
}

export interface Edge {
  readonly from: string;
  readonly to: string;
  readonly until: 'testing' | 'shipped';
  /** `from` is no manifest of the set: a job that must be there already. */
  readonly outside: boolean;
}

export interface ManifestGraph {
  /** Each after those that it waits for; those of a cycle are left out. */
  readonly order: readonly string[];
  readonly edges: readonly Edge[];
  /** One cycle, from a key back to it; undefined when there is none. */
  readonly cycle?: readonly string[];
}

/** Linear in manifests and dependencies, whatever the depth. */
export function graphOf(set: readonly Named[]): ManifestGraph {
  const keys = new Set(set.map(({ key }) => key));
  const edges = set.flatMap(({ key, deps }) =>
    deps.map((text): Edge => {
      const { ref, until } = parseDep(text);
      return { from: ref, to: key, until, outside: !keys.has(ref) };
    }),
  );
  const inside = edges.filter(({ outside }) => !outside);
  const dependents = new Map<string, string[]>();
  const open = new Map<string, number>(set.map(({ key }) => [key, 0]));
  for (const { from, to } of inside) {
    const known = dependents.get(from);
    if (known) known.push(to);
    else dependents.set(from, [to]);
    open.set(to, (open.get(to) ?? 0) + 1);
  }
  const order = new Set(set.flatMap(({ key }) => (open.get(key) === 0 ? [key] : [])));
  // A set is walked in the order of insertion, and what is added while walking comes too.
  for (const key of order)
    for (const dependent of dependents.get(key) ?? []) {
      const left = (open.get(dependent) ?? 0) - 1;
      open.set(dependent, left);
      if (left === 0) order.add(dependent);
    }
  const cycle = order.size === keys.size ? undefined : cycleAmong(keys, order, inside);
  return { order: [...order], edges, ...(cycle !== undefined && { cycle }) };
}

/** Every job that is left waits for another one that is left: going back along these must come to one twice. */
function cycleAmong(keys: ReadonlySet<string>, done: ReadonlySet<string>, edges: readonly Edge[]): string[] {
  const needs = new Map<string, string>();
  for (const { from, to } of edges) if (!done.has(from)) needs.set(to, from);
  const path: string[] = [];
  const seen = new Set<string>();
  let at = [...keys].find((key) => !done.has(key));
  while (at !== undefined && !seen.has(at)) {
    seen.add(at);
    path.push(at);
    at = needs.get(at);
  }
  const cycle = at === undefined ? path : path.slice(path.indexOf(at));
  // `needs` goes from a job to what it waits for; people read it the way the work would flow.
  const flow = cycle.toReversed();
  return [...flow, ...flow.slice(0, 1)];
}
