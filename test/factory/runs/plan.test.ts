import { expect, test } from 'vitest';
import { AppError } from '../../../shared/errors.js';
import { claimOf } from '../support/controlPlane.js';
import { git } from '../support/repository.js';
import { factoryFixture } from '../support/fixture.js';

const planning = (repo: string, body: string) => claimOf({ repo, kind: 'composite', body }, { kind: 'plan' });
const PLAN = { 'on-failure': 'continue', children: [{ key: 'a', manifest: { body: 'x' } }] };

test('hands in the plan that the engine wrote, and pushes nothing', async () => {
  await using fixture = await factoryFixture();
  const claim = planning(
    fixture.repository.path,
    `echo junk > junk.txt; echo '${JSON.stringify(PLAN)}' > "$GIGAFACTORY_PLAN"`,
  );
  const seen = await fixture.execute(claim);
  expect(seen.reports.map(({ kind }) => kind)).toEqual(['started', 'planned']);
  expect(seen.reports[1]).toMatchObject({ plan: PLAN, usage: { usd: 0 } });
  expect(git(fixture.repository.path, 'branch', '--format=%(refname:short)')).toBe('main');
  expect(fixture.leftovers()).toEqual([]);
});

test.each([
  ['true', 'ended without a plan'],
  ['echo "{" > "$GIGAFACTORY_PLAN"', 'the plan is no JSON'],
  [
    `echo '{"children":[{"key":"A b","manifest":{}}]}' > "$GIGAFACTORY_PLAN"`,
    'children.0.key: expected a key such as',
  ],
])('%s fails with what is wrong', async (body, message) => {
  await using fixture = await factoryFixture();
  const seen = await fixture.execute(planning(fixture.repository.path, body));
  expect(seen.reports.at(-1)).toMatchObject({
    kind: 'failed',
    reason: 'engine_failed',
    message: expect.stringContaining(message) as unknown,
  });
});

test('a plan that the control plane refuses fails the run with its problems', async () => {
  await using fixture = await factoryFixture();
  let refused = false;
  fixture.plane.onRequest = (route, run) => {
    if (route !== 'reportRun' || run?.reports.length !== 1 || refused) return;
    refused = true;
    throw new AppError('invalid-manifest', 'the plan has 1 problem', {
      problems: [{ path: 'children.a.engine', message: 'engine is "shel"' }],
    });
  };
  const seen = await fixture.execute(
    planning(fixture.repository.path, `echo '${JSON.stringify(PLAN)}' > "$GIGAFACTORY_PLAN"`),
  );
  expect(seen.reports.at(-1)).toMatchObject({
    kind: 'failed',
    message: 'the plan was refused: the plan has 1 problem\n- children.a.engine: engine is "shel"',
  });
});
