import { describe, expect, it } from 'vitest';
import { JobSchema } from '../../../shared/contract/job.js';
import { ReadyEntrySchema } from '../../../shared/contract/fleet.js';
import type { ManifestInput } from '../../../shared/contract/manifest.js';
import { newJob } from '../../../shared/rules/lifecycle.js';
import { readyEntryOf } from '../../../shared/rules/ready.js';
import { NOW, OPERATOR, REPORTS, after, at, claim, job, jobId, manifest, ship } from './fixtures.js';

const { started, finished, passed } = REPORTS;
const make = (fields: Partial<ManifestInput>, more: Partial<Parameters<typeof newJob>[0]> = {}) =>
  newJob({
    manifest: manifest({ engine: undefined, ...fields }),
    productId: 'acme',
    jobId: jobId(1),
    contentHash: 'hash',
    actor: OPERATOR,
    now: NOW,
    ...more,
  });

describe('a new job', () => {
  it('is queued at epoch 0 with its requirements, its lane and one event', () => {
    const { job: made, events } = make({ engine: 'shell', capabilities: ['node>=20'] });
    expect(JobSchema.parse(made)).toMatchObject({
      stage: 'queued',
      epoch: 0,
      attempts: 0,
      events: 0,
      headHash: '',
      requirements: ['engine:shell', 'node>=20'],
      lane: 'engine:shell,node>=20',
      engine: 'shell',
    });
    expect(events).toEqual([
      {
        body: { kind: 'job.submitted', title: 'echo hello', contentHash: 'hash' },
        actor: OPERATOR,
        at: NOW,
        stage: 'queued',
      },
    ]);
  });

  it.each([
    ['its own', { title: 'Fix it', body: 'Other' }, 'Fix it'],
    ['the first line that says something', { body: '\n\n## Fix the login page\nmore' }, 'Fix the login page'],
    ['the first line inside a fence', { body: '```sh\nnpm test\n```' }, 'npm test'],
    ['cut where the line is long', { body: 'a'.repeat(999) }, 'a'.repeat(200)],
    ['a stand-in where nothing says anything', { body: '```\n~~~\n#' }, 'Untitled job'],
  ])('has a title: %s', (_, fields, title) => {
    expect(make(fields).job.title).toBe(title);
  });

  it('takes the engine that the product gives, unless the manifest names one', () => {
    expect(make({}, { engine: 'codex' }).job).toMatchObject({ engine: 'codex', lane: 'engine:codex' });
    expect(make({ engine: 'claude' }, { engine: 'codex' }).job.engine).toBe('claude');
  });

  it('leaves the engine open where only its class is known', () => {
    expect(make({ 'engine-class': 'agentic-coder' }).job).not.toHaveProperty('engine');
    expect(make({ 'engine-class': 'script' }, { engine: 'codex' }).job.lane).toBe('engine-class:script');
  });

  it('remembers the item that it came from', () => {
    const trackerItem = { tracker: 'github', repository: 'acme/app', number: 7, url: 'u' } as const;
    expect(make({}, { trackerItem }).job.trackerItem).toEqual(trackerItem);
  });
});

describe('the ready entry of a job', () => {
  it('holds what the scheduler needs, and nothing else', () => {
    const one = job({
      engine: 'claude',
      repo: '/r',
      lock: 'db',
      targetFactoryId: 'mac-1',
      priority: 'high',
      budget: { usd: 3 },
    });
    expect(ReadyEntrySchema.parse(readyEntryOf(one, 'any'))).toMatchObject({
      id: one.jobId,
      run: 'build',
      repo: '/r',
      lock: 'db',
      targetFactoryId: 'mac-1',
      priorityRank: 1,
      costUsd: 3,
    });
  });

  it('carries the time of its retry', () => {
    const { job: retried } = after(job(), claim('build'), REPORTS.failed);
    expect(ReadyEntrySchema.parse(readyEntryOf(retried, 'any'))).toMatchObject({
      notBefore: at(10),
      epoch: 1,
    });
  });

  it('is for landing once a person said ship, ready since then', () => {
    const { job: shipping } = after(job(), claim('build'), started, finished, passed, ship);
    expect(readyEntryOf(shipping, 'any')).toMatchObject({ run: 'land', readySince: NOW });
  });
});
