import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';

it.each(['main.js', 'mutantsMain.js'])(
  '%s refuses what it does not know in a sentence, and tells how it is used',
  { timeout: 60_000 },
  (file) => {
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [path.resolve('dist/test/sim', file), ...args], { encoding: 'utf8' });
    const refused = run('--bogus');
    expect([refused.status, refused.stdout]).toEqual([2, '']);
    expect(refused.stderr).toMatch(/^Unknown option '--bogus'\.\n\nnpm run sim/);
    const number = run('--seeds', 'x');
    expect([number.status, number.stderr]).toEqual([
      2,
      expect.stringMatching(/^--seeds is "x"; expected a whole number from 1\n\nnpm run sim/),
    ]);
    const help = run('--help');
    expect([help.status, help.stderr]).toEqual([0, '']);
    expect(help.stdout).toMatch(/Examples:\n {2}npm run sim/);
  },
);

it.each([
  ['main.js', ['--seed', '5', '--seeds', '3'], '--seed is one seed, and --seeds is for many'],
  ['main.js', ['--trace'], '--trace tells of one seed: name it with --seed'],
  ['mutantsMain.js', ['--only', 'nothing such'], 'no planted defect has "nothing such" in its name'],
  ['mutantsMain.js', ['--only', 'lease', '--write'], '--write takes all of them: leave --only out'],
])(
  '%s refuses %j, which would do something else than was meant',
  { timeout: 60_000 },
  (file, args, words) => {
    const program = path.resolve('dist/test/sim', file);
    const { status, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
    expect([status, stderr.split('\n')[0]]).toEqual([2, words]);
  },
);
