/** The run cannot begin, and would not on a second try: reported as `preflight`, with a reason for people. */
export class PreflightError extends Error {
  override readonly name: string = 'PreflightError';
}
