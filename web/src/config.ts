/** Where this console's control plane is: written by whoever serves the page, so one build serves every cloud. */

export interface Config {
  /** Up to and with `/api`. */
  readonly apiUrl: string;
  /** OpenID Connect issuer: Entra ID, or the embedded cloud's. */
  readonly issuer: string;
  readonly clientId: string;
  readonly scope: string;
  /** Who the issuer should propose; the embedded cloud signs in without asking then. */
  readonly loginHint?: string;
}

const REQUIRED = ['apiUrl', 'issuer', 'clientId', 'scope'] as const;

/**
 * Checks what /config.json holds.
 * @throws Error that names what is missing
 */
export function parseConfig(value: unknown): Config {
  const fields: Record<string, unknown> = typeof value === 'object' && value !== null ? { ...value } : {};
  const [apiUrl, issuer, clientId, scope] = REQUIRED.map((name) => {
    const field = fields[name];
    if (typeof field !== 'string' || field === '') throw new Error(`/config.json has no "${name}".`);
    return field;
  }) as [string, string, string, string];
  const { loginHint } = fields;
  return {
    apiUrl,
    issuer,
    clientId,
    scope,
    ...(typeof loginHint === 'string' && loginHint && { loginHint }),
  };
}
