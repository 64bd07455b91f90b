/** What the person asked for cannot be done as asked: ends the command with EXIT_USAGE, as `aq` does. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** The same as `aq`'s for a command line or an input that is not right. */
export const EXIT_USAGE = 2;
