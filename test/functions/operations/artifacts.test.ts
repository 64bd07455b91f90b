import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { getArtifact } from '../../../functions/operations/getArtifact.js';
import { putArtifact } from '../../../functions/operations/putArtifact.js';
import {
  ADMIN,
  FINISHED,
  claimOne,
  cloudOfTests,
  detail,
  makeFactory,
  makeProduct,
  operator,
  report,
  submit,
} from '../fixture.js';

const { deps } = await cloudOfTests({ blobs: true });

it('a file that a run kept is read in pieces, once a report names it, by those who may see the job', async () => {
  const { productId } = await makeProduct(deps);
  const factory = await makeFactory(deps, productId);
  await submit(deps, productId);
  const claim = await claimOne(deps, factory);
  const params = { jobId: claim.job.jobId, epoch: 1 };
  await report(deps, factory, claim, { kind: 'started' });

  const body = Buffer.alloc(5 * 1024 * 1024, 'abc');
  const sha256 = createHash('sha256').update(body).digest('hex');
  const query = { path: 'out/größe.bin', sha256 };
  const kept = await putArtifact(deps, factory, { params, query, body });
  expect(kept).toEqual({ path: 'out/größe.bin', sha256, bytes: body.length });
  const ask = (offset: number, caller = ADMIN) =>
    getArtifact(deps, caller, { params, query: { path: kept.path, offset } });
  await expect(ask(0)).rejects.toMatchObject({ code: 'not-found' });

  await report(deps, factory, claim, { ...FINISHED, artifacts: [kept] } as typeof FINISHED);
  const { runs, events } = await detail(deps, params.jobId);
  expect(runs[0]?.artifacts).toEqual([kept]);
  expect(events.at(-1)?.body).toMatchObject({ kind: 'run.finished', artifacts: [kept] });
  const first = await ask(0);
  const second = await ask(first.nextOffset ?? 0);
  expect(second.nextOffset).toBeUndefined();
  const whole = Buffer.concat([first, second].map(({ base64 }) => Buffer.from(base64, 'base64')));
  expect(whole.equals(body)).toBe(true);
  await expect(ask(0, operator('viewer', 'another-product'))).rejects.toMatchObject({ code: 'not-found' });
});

it('a file is refused with another checksum, and from a factory that does not hold the job', async () => {
  const { productId } = await makeProduct(deps);
  const [factory, other] = [await makeFactory(deps, productId), await makeFactory(deps, productId)];
  await submit(deps, productId);
  const claim = await claimOne(deps, factory);
  const params = { jobId: claim.job.jobId, epoch: 1 };
  const body = Buffer.from('hi');
  const query = { path: 'a', sha256: 'f'.repeat(64) };
  await expect(putArtifact(deps, factory, { params, query, body })).rejects.toMatchObject({
    code: 'invalid-request',
  });
  const sha256 = createHash('sha256').update(body).digest('hex');
  await expect(
    putArtifact(deps, other, { params, query: { path: 'a', sha256 }, body }),
  ).rejects.toMatchObject({
    code: 'stale-epoch',
  });
});
