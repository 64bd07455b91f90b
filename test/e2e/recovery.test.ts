import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Factory } from '../../shared/contract/fleet.js';
import type { JobView } from '../../shared/contract/view.js';
import { aq, git, reach, startTestSystem, until } from '../support/system.js';

describe('recovery', { timeout: 120_000 }, () => {
  it('finishes the job of a factory that was killed in the middle, on another one', async () => {
    const { system, dispose } = await startTestSystem({ factories: 1 });
    const scratch = mkdtempSync(path.join(os.tmpdir(), 'gigafactory-e2e-files-'));
    try {
      const gate = path.join(scratch, 'go');
      const manifest = path.join(scratch, 'job.md');
      // The first attempt blocks until it is killed; the second finds the gate open.
      writeFileSync(
        manifest,
        `---\ntitle: Survive\nengine: shell\nrepo: ${system.sampleRepository}\nverify: test -f DONE.md\nretry: { max: 3, backoff: 1s }\n---\n` +
          `echo half > HALF.md\nwhile [ ! -f ${gate} ]; do sleep 0.1; done\nrm HALF.md\necho done > DONE.md\n`,
      );
      const submitted = await aq(system, 'submit', manifest, '--json');
      const { jobId } = (JSON.parse(submitted.stdout) as { job: JobView }).job;
      await reach(system, jobId, 'building');
      const [first] = system.factories;
      await first!.kill();
      const second = await system.startFactory('factory-2');
      writeFileSync(gate, '');
      const { job, runs, events } = await reach(system, jobId, 'testing');
      expect(runs.map((run) => [run.epoch, run.factoryId, run.status])).toEqual([
        [1, 'factory-1', 'lost'],
        [2, second.name, 'succeeded'],
      ]);
      expect(events.map((event) => event.body.kind)).toContain('run.lost');
      expect(job.change?.filesChanged).toEqual(['DONE.md']);
      expect((await aq(system, 'ship', jobId)).code).toBe(0);
      await reach(system, jobId, 'shipped');
      expect(await git(system.sampleRepository, 'show', 'main:DONE.md')).toBe('done');
    } finally {
      await dispose();
      rmSync(scratch, { recursive: true, force: true });
    }
  });

  it('goes on with the work of a factory that was told to go away, on another one', async () => {
    const { system, dispose } = await startTestSystem({ factories: 2 });
    const scratch = mkdtempSync(path.join(os.tmpdir(), 'gigafactory-e2e-files-'));
    try {
      const manifest = path.join(scratch, 'job.md');
      // The first half waits to be interrupted, and leaves a line in a file of ours for each time that it is done.
      writeFileSync(
        manifest,
        `---\ntitle: Go on\nengine: shell\nrepo: ${system.sampleRepository}\nverify: test -f WHOLE.md\n---\n` +
          `if [ -z "$GIGAFACTORY_CHECKPOINT" ]; then\necho half > HALF.md; echo done >> ${scratch}/halves\n` +
          `while true; do sleep 0.1; done\nfi\ncat HALF.md HALF.md > WHOLE.md\n`,
      );
      const submitted = await aq(system, 'submit', manifest, '--json');
      const { jobId } = (JSON.parse(submitted.stdout) as { job: JobView }).job;
      await reach(system, jobId, 'building');
      const halves = path.join(scratch, 'halves');
      await until('the first half', () => Promise.resolve(existsSync(halves) || undefined));
      const holder = (await reach(system, jobId, 'building')).job.holder;
      const [first, second] = system.factories.toSorted((one) => (one.name === holder ? -1 : 1));
      process.kill(first!.pid!, 'SIGTERM');
      const { runs, events } = await reach(system, jobId, 'testing');
      expect(runs.map((run) => [run.epoch, run.factoryId, run.status])).toEqual([
        [1, first!.name, 'released'],
        [2, second!.name, 'succeeded'],
      ]);
      const kept = events.map(({ body }) => body).find(({ kind }) => kind === 'run.checkpointed');
      expect(kept).toMatchObject({ epoch: 1, checkpoint: { ref: `refs/aq/checkpoint/${jobId}/1` } });
      expect(readFileSync(halves, 'utf8')).toBe('done\n');
      expect(await git(system.sampleRepository, 'show', `aq/${jobId}:WHOLE.md`)).toBe('half\nhalf');
      await until('the checkpoint to be removed', async () =>
        (await git(system.sampleRepository, 'for-each-ref', 'refs/aq')) === '' ? true : undefined,
      );
    } finally {
      await dispose();
      rmSync(scratch, { recursive: true, force: true });
    }
  });

  it('goes on with the same data after a stop', async () => {
    const dataDir = mkdtempSync(path.join(os.tmpdir(), 'gigafactory-e2e-'));
    try {
      const first = await startTestSystem({ dataDir, sample: true, factories: 2 });
      const jobId = await until('the sample job', async () => {
        const { jobs } = (await first.system.api('GET', 'jobs')) as { jobs: JobView[] };
        return jobs[0]?.jobId;
      });
      await reach(first.system, jobId, 'testing');
      const { factories: before } = (await first.system.api('GET', 'factories')) as { factories: Factory[] };
      await first.system.stop();

      // On other ports, as all of them are free ones.
      const second = await startTestSystem({ dataDir, sample: true });
      try {
        const { factories } = (await second.system.api('GET', 'factories')) as { factories: Factory[] };
        expect(factories.map(({ id, status }) => [id, status])).toEqual([['factory-1', 'online']]);
        expect(before.map(({ id }) => id)).toEqual(['factory-1', 'factory-2']);
        const { jobs } = (await second.system.api('GET', 'jobs')) as { jobs: JobView[] };
        expect(jobs.map((job) => [job.jobId, job.stage])).toEqual([[jobId, 'testing']]);
        expect((await aq(second.system, 'ship', jobId)).code).toBe(0);
        await reach(second.system, jobId, 'shipped');
        const worktrees = path.join(dataDir, 'factories', 'factory-1', 'worktrees');
        await until('the worktrees to be gone', async () => readdirSync(worktrees).length === 0 || undefined);
      } finally {
        await second.system.stop();
      }
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});
