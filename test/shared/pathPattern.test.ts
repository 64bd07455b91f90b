import { describe, expect, it } from 'vitest';
import { PathPatternSchema } from '../../shared/contract/pathPattern.js';

describe('a pattern of paths', () => {
  it.each(['src/**', '!src/generated/**', '**/*.test.ts', 'packages/{a,b}/[a-z]*.ts', 'docs/*'])(
    'may be %s',
    (pattern) => {
      expect(PathPatternSchema.safeParse(pattern).success).toBe(true);
    },
  );

  it.each([
    ['(a+)+b', 'without parentheses'],
    ['([a-z]+)+b', 'without parentheses'],
    ['+(*a)b', 'without parentheses'],
    ['*a*a*a*b', 'stars in a name'],
    ['**/a/**/b/**/c', 'times **'],
    ['/etc/passwd', 'below the root'],
    ['src/../../x', 'below the root'],
  ])('may not be %s, which would take for ever or lead outside', (pattern, words) => {
    const { error } = PathPatternSchema.safeParse(pattern);
    expect(error?.issues.map(({ message }) => message).join()).toContain(words);
  });
});
