/** Where the jobs of a graph stand: one column for each step of waiting, the work flows from left to right. */
import type { Dag } from '../../../shared/contract/dag.js';

/** In pixels. */
export const NODE = { width: 190, height: 46 } as const;
const GAP = { x: 64, y: 16 } as const;
const MARGIN = 8;

export interface PlacedJob {
  readonly job: Dag['jobs'][number];
  readonly x: number;
  readonly y: number;
}
export interface DrawnEdge {
  readonly key: string;
  /** Of an SVG path. */
  readonly path: string;
  readonly met: boolean;
  /** From a child to its composite. */
  readonly family: boolean;
}
export interface DagLayout {
  readonly jobs: readonly PlacedJob[];
  readonly edges: readonly DrawnEdge[];
  readonly width: number;
  readonly height: number;
}

/** Jobs come each after those that it waits for, so one pass finds the columns. */
export function layoutDag({ jobs, edges }: Dag): DagLayout {
  const needs = new Map<string, string[]>();
  for (const { from, to } of edges) needs.set(to, [...(needs.get(to) ?? []), from]);
  const column = new Map<string, number>();
  for (const { jobId } of jobs) {
    const before = (needs.get(jobId) ?? []).map((from) => column.get(from) ?? -1);
    column.set(jobId, Math.max(-1, ...before) + 1);
  }
  const columns: string[][] = [];
  for (const [jobId, at] of column) (columns[at] ??= []).push(jobId);
  const row = rowsOf(columns, needs);
  const rows = Math.max(1, ...columns.map((ids) => ids.length));
  const placed = new Map(
    jobs.map((job): [string, PlacedJob] => {
      const at = column.get(job.jobId) ?? 0;
      const free = rows - (columns[at]?.length ?? 0);
      const y = (free / 2 + (row.get(job.jobId) ?? 0)) * (NODE.height + GAP.y);
      return [job.jobId, { job, x: MARGIN + at * (NODE.width + GAP.x), y: MARGIN + y }];
    }),
  );
  return {
    jobs: [...placed.values()],
    edges: edges.flatMap(({ from, to, met }) => {
      const [start, end] = [placed.get(from), placed.get(to)];
      if (!start || !end) return [];
      return [{ key: `${from} ${to}`, path: curve(start, end), met, family: start.job.parent === to }];
    }),
    width: 2 * MARGIN + columns.length * (NODE.width + GAP.x) - GAP.x,
    height: 2 * MARGIN + rows * (NODE.height + GAP.y) - GAP.y,
  };
}

/** Within a column a job stands as near as may be to those that it waits for, so that fewer lines cross. */
function rowsOf(
  columns: readonly (readonly string[])[],
  needs: ReadonlyMap<string, readonly string[]>,
): Map<string, number> {
  const row = new Map<string, number>();
  for (const ids of columns) {
    const wish = (jobId: string): number => {
      const above = (needs.get(jobId) ?? []).flatMap((from) => row.get(from) ?? []);
      return above.length === 0 ? 0 : above.reduce((sum, at) => sum + at, 0) / above.length;
    };
    const sorted = ids
      .map((jobId, at) => ({ jobId, at, wish: wish(jobId) }))
      .toSorted((one, other) => one.wish - other.wish || one.at - other.at);
    for (const [at, { jobId }] of sorted.entries()) row.set(jobId, at);
  }
  return row;
}

function curve(from: PlacedJob, to: PlacedJob): string {
  const [x1, y1] = [from.x + NODE.width, from.y + NODE.height / 2];
  const [x2, y2] = [to.x, to.y + NODE.height / 2];
  const bend = Math.max(24, (x2 - x1) / 2);
  return `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`;
}
