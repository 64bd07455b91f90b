/** What to say of a caught value, whatever it is. */

/** What happened, for people. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What happened and where in the code, for a log. */
export const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
