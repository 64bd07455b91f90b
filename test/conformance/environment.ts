// Where the conformance suites run: against the embedded cloud, or, by environment, against a real service or its
// official emulator (docs/embedded-cloud.md, "Conformance").

/** The connection string of that variable; undefined: the suite starts the embedded cloud's service itself. */
export const realService = (
  variable:
    | 'CONFORMANCE_SERVICEBUS'
    | 'CONFORMANCE_SERVICEBUS_ADMIN'
    | 'CONFORMANCE_COSMOS'
    | 'CONFORMANCE_BLOB'
    | 'CONFORMANCE_FUNCTIONS_URL'
    | 'CONFORMANCE_FUNCTIONS_KEY',
): string | undefined => process.env[variable] || undefined;

/** A case against a real service waits for real locks and crosses a real network (ms). */
export const REAL_CASE_TIMEOUT_MS = 180_000;

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
