import { CosmosClient } from '@azure/cosmos';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DATABASE, JOBS } from '../../shared/topology.js';
import { PRODUCT, startCliSystem, type CliSystem } from './system.js';

let system: CliSystem;
beforeAll(async () => {
  system = await startCliSystem();
}, 60_000);
afterAll(() => system.close());

it('aq audit verify says that the record is whole, and where it is not', async () => {
  const file = await system.file(
    'job.md',
    '---\ntitle: Hello\nrepo: /tmp/r.git\nengine: shell\n---\necho hi\n',
  );
  const { job } = JSON.parse((await system.aq(['submit', file, '--json'])).stdout) as {
    job: { jobId: string };
  };
  const whole = await system.aq(['audit', 'verify', job.jobId]);
  expect(whole).toMatchObject({ code: 0, stderr: '' });
  expect(whole.stdout).toMatch(
    /^The record is whole: 1 job, 1 event, 0 checkpoints\.\nnothing is sealed yet/,
  );

  expect(await system.aq(['audit', 'verify', '--product', 'shpo'])).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('there is no product shpo') as string,
  });

  const client = new CosmosClient(process.env['COSMOS'] ?? '');
  const event = client.database(DATABASE).container(JOBS).item('event:00000001', [PRODUCT, job.jobId]);
  await event.patch([{ op: 'set', path: '/actor/id', value: 'mallory' }]);
  client.dispose();
  const broken = await system.aq(['audit', 'verify', '--product', PRODUCT]);
  expect(broken.code).toBe(1);
  expect(broken.stdout).toContain(`changed    ${job.jobId} event 1: its content does not have its hash`);
  const answer = JSON.parse((await system.aq(['audit', 'verify', '--json'])).stdout) as object;
  expect(answer).toMatchObject({ ok: false, findings: [{ kind: 'changed', jobId: job.jobId, seq: 1 }] });
});
