import { decideGate } from '../../../functions/operations/decideGate.js';
import { describe, expect, it } from 'vitest';
import { auditJob } from '../../../functions/operations/auditChain.js';
import {
  ADMIN,
  build,
  claimOne,
  cloudOfTests,
  detail,
  makeFactory,
  makeProduct,
  report,
  submit,
} from '../fixture.js';

const { deps } = await cloudOfTests();

describe('the way of a job', () => {
  it('leads from submit over claim, build and verify to shipped', async () => {
    const { productId } = await makeProduct(deps);
    const factory = await makeFactory(deps, productId);
    const { jobId } = await submit(deps, productId, { verify: 'npm test' });

    await build(deps, factory);
    await decideGate(deps, ADMIN, jobId, { kind: 'ship' });
    const landing = await claimOne(deps, factory);
    expect(landing.run.kind).toBe('land');
    await report(deps, factory, landing, { kind: 'started' });
    await report(deps, factory, landing, { kind: 'landed', mergeCommit: 'abc', baseBranch: 'main' });

    const { job, runs, events } = await detail(deps, jobId);
    expect(job).toMatchObject({ stage: 'shipped', mergeCommit: 'abc', epoch: 2 });
    expect(runs.map(({ kind, status }) => `${kind} ${status}`)).toEqual([
      'build succeeded',
      'land succeeded',
    ]);
    expect(events.map(({ body }) => body.kind)).toEqual([
      'job.submitted',
      'job.assigned',
      'run.started',
      'run.finished',
      'run.verified',
      'ship.requested',
      'job.assigned',
      'run.started',
      'ship.landed',
    ]);
    expect(auditJob({ job, runs, events })).toEqual([]);
    expect(deps.lines).toEqual([]);
  });
});
