import { describe, expect, it } from 'vitest';
import { decideGate } from '../../../functions/operations/decideGate.js';
import { getProfileForRun } from '../../../functions/operations/getProfileForRun.js';
import { getProfileHistory, listProfiles } from '../../../functions/operations/listProfiles.js';
import { putProfile } from '../../../functions/operations/putProfile.js';
import { readProfile, writeVersion } from '../../../functions/operations/profileStore.js';
import { rerouteRecent } from '../../../functions/operations/rerouteWaiting.js';
import { composePrompt } from '../../../factory/prompt.js';
import {
  ProfileSpecSchema,
  PutProfileSchema,
  type ProfileSpecInput,
} from '../../../shared/contract/profile.js';
import { catalogue } from '../../../shared/manifest/catalogue.js';
import { profileText } from '../../../shared/contract/profileText.js';
import { parseProfile } from '../../../shared/manifest/profileText.js';
import {
  ADMIN,
  FINISHED,
  build,
  claim,
  claimOne,
  cloudOfTests,
  detail,
  makeFactory,
  makeProduct,
  operator,
  report,
  submit,
} from '../fixture.js';

const { deps } = await cloudOfTests();

const start = async () => {
  const { productId } = await makeProduct(deps);
  return { productId, factory: await makeFactory(deps, productId) };
};
const spec = (more: Partial<ProfileSpecInput> = {}): Record<string, unknown> => ({
  title: 'Porter',
  summary: 'Carries things.',
  persona: 'You carry things.',
  'engine-class': 'script',
  ...more,
});
const put = (
  owner: string,
  name: string,
  profile: Record<string, unknown> | string,
  basedOn = 0,
  caller = ADMIN,
) =>
  putProfile(deps, caller, {
    params: { owner, name },
    body: PutProfileSchema.parse({ profile, basedOn, note: 'why' }),
  });
const history = async (owner: string, name: string) =>
  (await getProfileHistory(deps, ADMIN, { params: { owner, name } })).profiles;

describe('the catalogue', () => {
  it('has nine profiles, each with a persona, and every product may use them', async () => {
    const { productId } = await start();
    const { profiles } = await listProfiles(deps, operator('viewer', productId), {
      params: { owner: productId },
    });
    expect(profiles.map(({ name }) => name)).toEqual([
      'backend-engineer',
      'developer',
      'docs-writer',
      'frontend-engineer',
      'planner',
      'qa',
      'reviewer',
      'ui-designer',
      'ux-designer',
    ]);
    for (const { version, spec: one } of profiles) {
      expect(version).toBe(1);
      expect(one.persona.split(/\s+/).length).toBeGreaterThan(150);
    }
  });

  it.each([...catalogue().entries()])('%s survives being written as a file and read again', (_name, one) => {
    expect(parseProfile(profileText(one))).toEqual({ kind: 'ok', spec: one });
  });

  it('is seeded once, also by several at the same moment', async () => {
    await Promise.all(
      Array.from({ length: 8 }, () => listProfiles(deps, ADMIN, { params: { owner: 'fleet' } })),
    );
    expect(await history('fleet', 'qa')).toMatchObject([{ version: 1, by: { id: 'catalogue' } }]);
  });
});

describe('a profile', () => {
  it('gives what the job omits, and is copied into the job when it is assigned', async () => {
    const { productId, factory } = await start();
    await put(productId, 'porter', spec({ 'default-verify': 'npm test', 'allowed-scope': ['src/**'] }));
    const job = await submit(deps, productId, { profile: 'porter', body: 'carry it' });
    expect(job.requirements).toEqual(['engine:shell']);
    const edited = spec({ persona: 'You carry things with care.', 'default-verify': 'npm run check' });
    await put(productId, 'porter', edited, 1);
    const claimed = await claimOne(deps, factory);
    expect(claimed.job.profile).toMatchObject({
      name: 'porter',
      owner: productId,
      version: 2,
      spec: { persona: 'You carry things with care.', 'default-verify': 'npm run check' },
    });
    const prompt = composePrompt(claimed.job, {
      limits: [],
      shared: [],
      verify: 'npm run check',
      baseBranch: 'main',
      resumed: false,
    });
    expect(prompt.indexOf('You carry things with care.')).toBeGreaterThan(-1);
    expect(prompt.indexOf('carry it')).toBeGreaterThan(prompt.indexOf('You carry things with care.'));
  });

  it('that is edited changes nothing for a job in flight, and everything for its next run', async () => {
    const { productId, factory } = await start();
    await put(productId, 'porter', spec({ 'default-verify': 'npm test' }));
    await submit(deps, productId, { profile: 'porter' });
    const claimed = await claimOne(deps, factory);
    await report(deps, factory, claimed, { kind: 'started' });
    await put(productId, 'porter', spec(), 1);
    const after = await report(deps, factory, claimed, FINISHED);
    expect([after.stage, after.holder, after.profile?.version]).toEqual(['review', factory.id, 1]);
    const params = { jobId: after.jobId };
    await decideGate(deps, ADMIN, params.jobId, { kind: 'requeue', reason: 'again' });
    const again = await claimOne(deps, factory);
    expect(again.job.profile?.version).toBe(2);
  });

  it.each([
    'by the request of the edit',
    'by the sweeper, where that request died',
    'by a claim, where both did',
  ])('that asks for other factories by now sends a waiting job there %s', async (way) => {
    const { productId, factory } = await start();
    await put(productId, 'porter', spec());
    const job = await submit(deps, productId, { profile: 'porter' });
    const asksForMac = ProfileSpecSchema.parse(spec({ capabilities: ['os:mac'] }));
    if (way.includes('request of')) await put(productId, 'porter', asksForMac, 1);
    else {
      const by = { kind: 'operator', id: 'ada' } as const;
      const before = await readProfile(deps, productId, 'porter');
      await writeVersion(deps, { owner: productId, name: 'porter', spec: asksForMac, by }, before);
      await (way.includes('claim') ? claim(deps, factory) : rerouteRecent(deps));
    }
    const { job: rerouted, events } = await detail(deps, job.jobId);
    expect(rerouted.requirements).toEqual(['engine:shell', 'os:mac']);
    expect(events.map(({ body }) => body.kind)).toEqual(['job.submitted', 'job.rerouted']);
    expect(await claim(deps, factory)).toEqual([]);
    const mac = await makeFactory(deps, productId, ['os:mac', 'engine:shell']);
    expect((await claimOne(deps, mac, 'mac')).job).toMatchObject({
      jobId: job.jobId,
      profile: { version: 2 },
    });
  });

  it("of the product hides the catalogue's, and the job's own word comes first", async () => {
    const { productId, factory } = await start();
    await put(productId, 'qa', spec({ 'review-policy': 'auto', 'default-verify': 'exit 1' }));
    await submit(deps, productId, { profile: 'qa', 'review-policy': 'manual', verify: 'npm test' });
    const { job } = await build(deps, factory);
    expect((await detail(deps, job.jobId)).job).toMatchObject({
      stage: 'testing',
      profile: { owner: productId },
    });
    expect((await history('fleet', 'qa'))[0]?.spec.title).toBe('QA engineer');
  });

  it('that does not exist is refused with the nearest one', async () => {
    const { productId } = await start();
    await expect(submit(deps, productId, { profile: 'backend-enginer' })).rejects.toMatchObject({
      code: 'invalid-manifest',
      detail: { problems: [{ path: 'profile', nearest: 'backend-engineer' }] },
    });
  });
});

describe('an edit', () => {
  it('is a version of its own with who and why; the same once more is none', async () => {
    const { productId } = await start();
    await put(productId, 'porter', spec());
    await put(productId, 'porter', spec({ title: 'Carrier' }), 1);
    await put(productId, 'porter', spec({ title: 'Carrier' }), 2);
    expect(await history(productId, 'porter')).toMatchObject([
      { version: 2, by: { kind: 'operator', id: 'ada' }, note: 'why', spec: { title: 'Carrier' } },
      { version: 1, spec: { title: 'Porter' } },
    ]);
  });

  it('of what somebody else changed since is refused', async () => {
    const { productId } = await start();
    const both = ['One', 'Two'].map((title) => put(productId, 'porter', spec({ title })));
    const results = await Promise.allSettled(both);
    expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    await expect(put(productId, 'porter', spec({ title: 'Three' }))).rejects.toMatchObject({
      code: 'contended',
    });
  });

  it('takes the role editor, which runs and ships nothing', async () => {
    const { productId } = await start();
    const editor = operator('editor', productId, 'eve');
    await put(productId, 'porter', spec(), 0, editor);
    await expect(put('fleet', 'qa', spec(), 1, editor)).rejects.toMatchObject({ code: 'forbidden' });
    for (const role of ['viewer', 'operator', 'reviewer'] as const)
      await expect(put(productId, 'porter', spec(), 1, operator(role, productId))).rejects.toMatchObject({
        code: 'forbidden',
        detail: { role: 'editor' },
      });
    const job = await submit(deps, productId);
    const params = { jobId: job.jobId };
    await expect(
      decideGate(deps, editor, params.jobId, { kind: 'requeue', reason: 'x' }),
    ).rejects.toMatchObject({
      code: 'forbidden',
    });
  });

  it('tells every problem with its line', async () => {
    const { productId } = await start();
    await expect(put(productId, 'porter', '---\ntitel: x\nsummary: y\n---\nz')).rejects.toMatchObject({
      code: 'invalid-request',
      detail: { problems: [{ path: 'title' }, { path: 'titel', nearest: 'title', line: 2 }] },
    });
  });
});

describe("a repository's profile", () => {
  it("is the product's own before the catalogue's, for factories that serve the product", async () => {
    const { productId, factory } = await start();
    const ask = (name: string, of = productId) =>
      getProfileForRun(deps, factory, { params: { productId: of, name } });
    expect(await ask('qa')).toMatchObject({ name: 'qa', owner: 'fleet', version: 1 });
    await put(productId, 'qa', spec({ 'allowed-scope': ['e2e/**'] }));
    expect(await ask('qa')).toMatchObject({ owner: productId, spec: { 'allowed-scope': ['e2e/**'] } });
    await expect(ask('wizard')).rejects.toMatchObject({ code: 'not-found' });
    await expect(ask('qa', 'another')).rejects.toMatchObject({ code: 'forbidden' });
    await expect(getProfileForRun(deps, ADMIN, { params: { productId, name: 'qa' } })).rejects.toMatchObject({
      code: 'forbidden',
    });
  });
});
