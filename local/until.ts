const POLL_MS = 100;
/** Far above what a demonstration takes; one that hangs must end. */
const DEADLINE_MS = 90_000;

/** Asks again until there is an answer. @throws when there was none in time, saying what was waited for */
export async function until<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + DEADLINE_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`waited ${DEADLINE_MS / 1000} s in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
