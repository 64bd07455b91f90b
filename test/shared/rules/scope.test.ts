import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyScope, scopeOf } from '../../../shared/rules/scope.js';

const NONE = { limits: [], shared: [], gates: [] };

describe('the scope of a change', () => {
  it('is everything where nobody limits it', () => {
    expect(scopeOf(['a', '.env', 'x/y'], NONE)).toEqual({ allowed: [], outside: [], shared: [], gates: [] });
  });

  it.each([
    ['src/a.ts', false],
    ['src/.hidden', false],
    ['src/generated/a.ts', true],
    ['SRC/a.ts', true],
    ['srcs/a.ts', true],
    ['src', true],
    ['docs/src/a.ts', true],
  ])('with src/** but src/generated: %s is outside: %s', (file, outside) => {
    const limits = [['src/**/*', '!src/generated/**']];
    expect(scopeOf([file], { ...NONE, limits }).outside).toEqual(outside ? [file] : []);
  });

  it('is what every limit allows: a second one narrows and never widens', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('src/a', 'src/b', 'docs/a', 'x', 'src/deep/a')),
        fc.array(fc.constantFrom('src/**', 'docs/**', '*', '!src/b'), { minLength: 1 }),
        fc.array(fc.constantFrom('src/**', 'docs/**', '*', '!src/b')),
        (files, one, other) => {
          const alone = scopeOf(files, { ...NONE, limits: [one] }).outside;
          const both = scopeOf(files, { ...NONE, limits: [one, other] }).outside;
          expect(alone.every((file) => both.includes(file))).toBe(true);
        },
      ),
    );
  });

  it.each(['test/a.ts', 'lib/a.test.ts', '.github/workflows/ci.yml', '.gigafactory.yaml', 'pkg/a_test.go'])(
    'flags %s as a check that judges the change',
    (file) => {
      expect(scopeOf([file, 'src/a.ts'], NONE).gates).toEqual([file]);
    },
  );

  it('flags what the verify command names and what the repository calls a gate', () => {
    const scope = { ...NONE, gates: ['bench/**'], verify: 'sh ./scripts/check.sh && node run.mjs' };
    const files = ['scripts/check.sh', 'run.mjs', 'bench/a', 'src/run.mjs'];
    expect(scopeOf(files, scope).gates).toEqual(['scripts/check.sh', 'run.mjs', 'bench/a']);
  });

  it('names shared packages', () => {
    expect(scopeOf(['shared/a.ts', 'b.ts'], { ...NONE, shared: ['shared/**'] }).shared).toEqual([
      'shared/a.ts',
    ]);
  });

  it('tells before a run that two limits exclude each other', () => {
    expect(emptyScope([['src/**'], ['docs/**']])).toContain('nothing lies both');
    expect(emptyScope([['src/**'], ['**/*.ts']])).toBeUndefined();
    expect(emptyScope([[]])).toContain('no path at all');
    expect(emptyScope([['src/**'], ['src/web/**', 'docs/**']])).toBeUndefined();
  });
});
