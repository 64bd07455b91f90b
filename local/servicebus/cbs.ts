import { messageOf } from '../errorText.js';
import { verifySas } from './auth.js';
import type { Broker } from './broker.js';
import { ServiceBusError } from './errors.js';
import type { Request } from './requests.js';

/** How long a JSON web token is taken for (ms); the client puts a new one well before. */
const JWT_GRANT_MS = 3_600_000;

/**
 * Claims-based security: a client puts a token for each entity before it attaches.
 * @returns the resource it opens, and until when (ms)
 * @throws ServiceBusError `Unauthorized` or `NotImplemented`
 */
export async function putToken(
  request: Request,
  broker: Broker,
): Promise<{ resource: string; expiresAt: number }> {
  const resource = request.properties.get('name');
  const type = request.properties.get('type');
  const { body: token, operation } = request;
  if (operation !== 'put-token' || typeof resource !== 'string' || typeof token !== 'string')
    throw new ServiceBusError(
      'NotImplemented',
      `$cbs takes put-token with a name and a token, not '${operation}'.`,
    );
  const now = broker.clock.now();
  if (type !== 'jwt') return { resource, expiresAt: verifySas(token, broker.key, resource, now) };
  if (!broker.verifyJwt)
    throw new ServiceBusError(
      'Unauthorized',
      'Tokens of an identity provider are not configured on this broker.',
    );
  try {
    await broker.verifyJwt(token, resource);
  } catch (error) {
    throw new ServiceBusError('Unauthorized', `The token was refused: ${messageOf(error)}`);
  }
  return { resource, expiresAt: now + JWT_GRANT_MS };
}
