// A taken port is the commonest reason for a failed start: its message names the flag that chooses another.

const TAKEN = /\bport (\d+)\b.* is taken/i;

/**
 * Waits for a part to start.
 * @param what the part's name for people
 * @param flag the command-line flag that sets its port
 * @throws the part's own error, or for a taken port one that names the flag
 */
export async function withPortCure<T>(what: string, flag: string, start: Promise<T>): Promise<T> {
  try {
    return await start;
  } catch (error) {
    const port = error instanceof Error ? TAKEN.exec(error.message)?.[1] : undefined;
    if (port === undefined) throw error;
    throw new Error(
      `Port ${port} for ${what} is taken: stop what listens there, or choose another with ${flag} (0: a free one).`,
      { cause: error },
    );
  }
}
