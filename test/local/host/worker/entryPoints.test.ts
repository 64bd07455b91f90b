import { describe, expect, it } from 'vitest';
import { globToRegExp } from '../../../../local/host/worker/entryPoints.js';

describe('the glob in "main"', () => {
  it.each([
    ['dist/functions/{http,queue}/*.js', 'dist/functions/queue/a.js', true],
    ['dist/functions/{http,queue}/*.js', 'dist/functions/feed/a.js', false],
    ['dist/functions/{http,queue}/*.js', 'dist/functions/http/deep/a.js', false],
    ['dist/**/*.js', 'dist/a.js', true],
    ['dist/**/*.js', 'dist/deep/er/a.js', true],
    ['dist/**/*.js', 'other/a.js', false],
    ['src/index.js', 'src/indexxjs', false],
    ['src/[ab]?.{js,mjs}', 'src/b1.mjs', true],
    ['src/a,b.js', 'src/a,b.js', true],
  ])('%s and %s: %s', (glob, file, expected) => {
    expect(globToRegExp(glob).test(file)).toBe(expected);
  });
});
