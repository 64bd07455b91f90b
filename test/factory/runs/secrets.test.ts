import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { secretsInText } from '../../../factory/gates/secrets.js';
import { GITHUB_TOKEN, SECRETS } from '../../support/secrets.js';
import { claimOf } from '../support/controlPlane.js';
import { factoryFixture } from '../support/fixture.js';
import { git } from '../support/repository.js';

/** Every byte below a folder. */
const everything = (folder: string): string =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(folder, name))
    .filter((file) => statSync(file).isFile())
    .map((file) => readFileSync(file, 'latin1'))
    .join('\n');
/** The script never holds the secret itself: a control plane would have refused the job. */
const [head, tail] = [GITHUB_TOKEN.slice(0, 12), GITHUB_TOKEN.slice(12)];
const secret = `"${head}""${tail}"`;

test.each([
  ['in a file', `printf '%s\\n' one ${secret} > src.txt`, 'a GitHub token in src.txt (line 2)'],
  [
    'in a commit that a later one takes back',
    `echo ${secret} > k; git add k; git commit -qm one; git rm -q k; echo x > b`,
    'a GitHub token in k (line 1)',
  ],
  [
    'in a message of a commit',
    `echo x > b; git add b; git commit -qm ${secret}`,
    'a GitHub token in the message of',
  ],
  ['in the name of a file', `echo x > ${secret}.txt`, 'a GitHub token in [redacted].txt (line 1)'],
  [
    'behind a comment that switches the rules off',
    `printf '%s\\n' '// secretlint-disable' ${secret} > a.js`,
    'a GitHub token in a.js (line 2)',
  ],
])('a change with a secret %s is pushed nowhere, and nobody is told what it is', async (_, body, told) => {
  await using fixture = await factoryFixture();
  const claim = claimOf({ repo: fixture.repository.path, body: `echo before; echo ${secret}\n${body}` });
  const seen = await fixture.execute(claim);
  expect(seen.reports.at(-1)).toMatchObject({
    kind: 'failed',
    reason: 'refused',
    message: expect.stringContaining(`nothing was pushed, because the change holds ${told}`) as unknown,
  });
  expect(git(fixture.repository.path, 'for-each-ref', '--format=%(refname)')).toBe('refs/heads/main');
  expect(seen.log.toString()).toContain('before\n[redacted]\n');
  await fixture.workspace.settled();
  const out = [
    JSON.stringify(seen.reports),
    seen.log.toString(),
    fixture.said.join('\n'),
    everything(fixture.dataDir),
  ];
  for (const place of out) expect(place).not.toContain(GITHUB_TOKEN);
});

test('a secret that the base has already is not the job’s fault', async () => {
  await using fixture = await factoryFixture({ 'old.txt': `${GITHUB_TOKEN}\n`, 'a.txt': 'one\n' });
  const seen = await fixture.execute(claimOf({ repo: fixture.repository.path, body: 'echo two > a.txt' }));
  expect(seen.reports.at(-1)).toMatchObject({ kind: 'finished' });
});

test.each(Object.entries(SECRETS))('%s is found in a text', async (_, value) => {
  const found = await secretsInText('a.txt', `one\ntwo\n${value}\nfour`);
  expect(found[0]).toMatchObject({ file: 'a.txt', line: 3 });
});

test('a large text is looked through to its end', async () => {
  const filler = 'const x = 1; // ordinary code\n'.repeat(120_000);
  expect(await secretsInText('a.txt', `${filler}${GITHUB_TOKEN}\n`)).toMatchObject([{ line: 120_001 }]);
});
