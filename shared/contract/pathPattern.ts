/** Patterns of paths, as people write them in manifests, profiles and repositories. */
import { line } from './plainText.js';

const MAX_CHARS = 300;
/** A pattern becomes a regular expression: groups within groups or many stars make it take for ever on one path. */
const MAX_STARS_IN_A_NAME = 3;
const MAX_GLOBSTARS = 2;

const isCheap = (pattern: string): boolean => {
  const names = pattern.split('/');
  const stars = (name: string): number => name.split('*').length - 1;
  return (
    !/[()]/.test(pattern) &&
    names.filter((name) => name.includes('**')).length <= MAX_GLOBSTARS &&
    names.every((name) => name === '**' || stars(name) <= MAX_STARS_IN_A_NAME)
  );
};

/** A glob below the root, as picomatch reads it: `src/**`, or `!src/generated/**` for what is not meant. */
export const PathPatternSchema = line()
  .min(1)
  .max(MAX_CHARS)
  .regex(/^!?(?![/\\])(?!(.*\/)?\.\.(\/|$))[^\\]+$/, 'expected a pattern below the root, such as src/**')
  .refine(isCheap, {
    error: `expected a pattern without parentheses, with at most ${MAX_STARS_IN_A_NAME} stars in a name and ${MAX_GLOBSTARS} times **`,
    params: { precise: true },
  });
