// Calls to the product's API as the installation's admin, as any deployer's script would make them.

export interface Connection {
  readonly apiUrl: string;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A token is renewed when it has less than this left (s). */
const TOKEN_MARGIN_S = 60;

/**
 * @returns a function that calls `method` on a route below `fleet/` and returns the JSON of the answer; it throws
 * with the status and the body when that is no success
 */
export function adminApi(
  connection: Connection,
): (method: string, route: string, body?: unknown) => Promise<unknown> {
  let token: { value: string; expiresAtMs: number } | undefined;

  const bearer = async (): Promise<string> => {
    if (token && token.expiresAtMs > Date.now()) return token.value;
    const answer = await fetch(connection.tokenUrl, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: connection.clientId,
        client_secret: connection.clientSecret,
      }),
    });
    if (!answer.ok) throw new Error(`the token issuer answered ${answer.status}: ${await answer.text()}`);
    const granted = (await answer.json()) as { access_token: string; expires_in: number };
    token = {
      value: granted.access_token,
      expiresAtMs: Date.now() + (granted.expires_in - TOKEN_MARGIN_S) * 1000,
    };
    return token.value;
  };

  return async (method, route, body) => {
    const answer = await fetch(`${connection.apiUrl}/fleet/${route}`, {
      method,
      headers: { authorization: `Bearer ${await bearer()}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok)
      throw new Error(
        `${method} ${route} was answered ${answer.status}: ${text.slice(0, 2000) || 'without a word'}`,
      );
    return text ? JSON.parse(text) : undefined;
  };
}
