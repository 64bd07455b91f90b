// A graph of jobs as text: each below what it waits for, drawn in full once.
interface Edge {
  readonly from: string;
  readonly to: string;
}

/**
 * @param order every node, each after those that it waits for
 * @param label what is written for a node
 * @returns one line a node and edge; a node that was drawn before is followed by ↑
 */
export function drawGraph(
  order: readonly string[],
  edges: readonly Edge[],
  label: (key: string) => string,
): string[] {
  const next = new Map<string, string[]>();
  for (const { from, to } of edges) next.set(from, [...(next.get(from) ?? []), to]);
  const waiting = new Set(edges.map(({ to }) => to));
  const drawn = new Set<string>();
  const lines: string[] = [];
  // A list of what is still to be drawn instead of recursion: a chain of a thousand jobs is no deep stack.
  const open = order
    .filter((key) => !waiting.has(key))
    .toReversed()
    .map((key) => ({ key, lead: '', branch: '', below: '' }));
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const { key, lead, branch, below } = at;
    const again = drawn.has(key);
    const dependents = next.get(key) ?? [];
    lines.push(`${lead}${branch}${label(key)}${again && dependents.length > 0 ? ' ↑' : ''}`);
    if (again) continue;
    drawn.add(key);
    for (const [index, dependent] of [...dependents.entries()].toReversed()) {
      const last = index === dependents.length - 1;
      open.push({
        key: dependent,
        lead: lead + below,
        branch: last ? '└─▶ ' : '├─▶ ',
        below: last ? '    ' : '│   ',
      });
    }
  }
  return lines;
}

/** The same graph for a page that draws Mermaid. */
export function mermaidGraph(
  order: readonly string[],
  edges: readonly (Edge & { readonly until: string })[],
  title: (key: string) => string,
): string {
  const names = new Map(order.map((key, index) => [key, `n${index}`]));
  const text = (value: string): string => value.replaceAll('"', '#quot;');
  return [
    'flowchart TD',
    ...order.map((key) => `  ${names.get(key)}["${text(title(key))}"]`),
    ...edges.map(
      ({ from, to, until }) =>
        `  ${names.get(from)} ${until === 'testing' ? '-. tested .->' : '-->'} ${names.get(to)}`,
    ),
  ].join('\n');
}
