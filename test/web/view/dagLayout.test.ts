import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dag } from '../../../shared/contract/dag.js';
import { NODE, layoutDag } from '../../../web/src/view/dagLayout.js';

const job = (n: number, parent?: number) => ({
  jobId: `job-${n}`,
  title: `${n}`,
  stage: 'queued' as const,
  ...(parent !== undefined && { parent: `job-${parent}` }),
});
const edge = (from: number, to: number, met = false) => ({
  from: `job-${from}`,
  to: `job-${to}`,
  until: 'shipped' as const,
  met,
});

describe('the layout of a graph', () => {
  it('puts a job to the right of all that it waits for, and names family lines', () => {
    const { jobs, edges } = layoutDag({
      jobs: [job(1, 3), job(2, 3), job(3)],
      edges: [edge(1, 2, true), edge(1, 3), edge(2, 3)],
    });
    const places = jobs.map(({ x }) => x);
    expect(places).toEqual(places.toSorted((one, other) => one - other));
    expect(new Set(jobs.map(({ x }) => x)).size).toBe(3);
    expect(edges.map(({ met, family }) => [met, family])).toEqual([
      [true, false],
      [false, true],
      [false, true],
    ]);
  });

  it('lets no two jobs overlap and no line go back, whatever the graph', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.array(fc.tuple(fc.nat(29), fc.nat(29)), { maxLength: 60 }),
        (size, pairs) => {
          const edges = pairs
            .filter(([from, to]) => from < to && to < size)
            .map(([from, to]) => edge(from, to));
          const dag: Dag = { jobs: Array.from({ length: size }, (_, n) => job(n)), edges };
          const { jobs, width, height } = layoutDag(dag);
          const at = new Map(jobs.map((one) => [one.job.jobId, one]));
          for (const { from, to } of edges) expect(at.get(from)?.x ?? 0).toBeLessThan(at.get(to)?.x ?? 0);
          expect(new Set(jobs.map(({ x, y }) => `${x} ${y}`)).size).toBe(size);
          for (const { x, y } of jobs) {
            expect(x + NODE.width).toBeLessThanOrEqual(width);
            expect(y + NODE.height).toBeLessThanOrEqual(height);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
