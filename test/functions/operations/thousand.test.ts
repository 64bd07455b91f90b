import { expect, it } from 'vitest';
import { addChildren } from '../../../functions/operations/addChildren.js';
import { explainJob } from '../../../functions/operations/explainJob.js';
import { getDag } from '../../../functions/operations/getDag.js';
import { unblockDependents } from '../../../functions/operations/unblockDependents.js';
import { tendChildren } from '../../../functions/operations/tendChildren.js';
import { changeJob } from '../../../functions/operations/changeJob.js';
import { inParallel } from '../../../functions/operations/inParallel.js';
import { PlanSchema } from '../../../shared/contract/children.js';
import type { Job } from '../../../shared/contract/job.js';
import { ADMIN, cloudOfTests, detail, makeProduct, submit } from '../fixture.js';

const { deps } = await cloudOfTests();

const WIDTH = 50;
const DEPTH = 20;

it(
  'a composite of a thousand jobs comes into being whole, is drawn in order, and ends as one',
  { timeout: 180_000 },
  async () => {
    const { productId } = await makeProduct(deps);
    const parent = await submit(deps, productId, { kind: 'composite' });
    const name = (layer: number, at: number): string => `${String(layer).padStart(2, '0')}-${at}`;
    const children = Array.from({ length: DEPTH }, (_, layer) =>
      Array.from({ length: WIDTH }, (__, at) => ({
        key: name(layer, at),
        manifest: {
          body: 'true',
          deps: layer === 0 ? [] : [name(layer - 1, at), name(layer - 1, (at + 1) % WIDTH)],
        },
      })),
    ).flat();
    const body = PlanSchema.parse({ children });
    const made = await addChildren(deps, ADMIN, { params: { jobId: parent.jobId }, body });
    expect(made.children).toHaveLength(WIDTH * DEPTH);

    const { jobs, edges } = await getDag(deps, ADMIN, { params: { jobId: parent.jobId } });
    expect([jobs.length, edges.length]).toEqual([1001, 2 * WIDTH * (DEPTH - 1) + 1000]);
    const place = new Map(jobs.map(({ jobId }, at) => [jobId, at]));
    expect(edges.every(({ from, to }) => (place.get(from) ?? 0) < (place.get(to) ?? 0))).toBe(true);
    expect((await explainJob(deps, ADMIN, { params: { jobId: parent.jobId } })).summary).toContain(
      '0 of 1000',
    );

    // One sink and one source are looked at in the database; cancelling the tree ends all of it.
    const of = (key: string): string => made.children.find((one) => one.key === key)?.jobId ?? '';
    expect((await detail(deps, of('19-0'))).job.waitsFor).toEqual([of('18-0'), of('18-1')]);
    const actor = { kind: 'operator', id: 'ada' } as const;
    await changeJob(deps, parent, { kind: 'cancel', actor, reason: 'enough' });
    const { events } = await detail(deps, parent.jobId);
    for (const event of events) {
      await unblockDependents(deps, event);
      await tendChildren(deps, event);
    }
    const stages = new Set<string>();
    await inParallel(made.children, async ({ jobId }) => {
      const job = await deps.documents.read<Job>('fleet_jobs', [productId, jobId], 'job');
      stages.add(job?.document.stage ?? 'missing');
    });
    expect([...stages]).toEqual(['failed']);
  },
);
