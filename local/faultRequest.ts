// Where the faults of an emulator are set, and by what right: told by its connection string.
import { signedHeaders } from './cosmos/auth.js';
import { signSas } from './servicebus/auth.js';

/** A signature for one request need not last (ms). */
const SIGNATURE_MS = 60_000;

const field = (connection: string, name: string): string =>
  new RegExp(`(?:^|;)${name}=([^;]*)`).exec(connection)?.[1] ?? '';

export interface FaultRequest {
  readonly url: string;
  readonly headers: Record<string, string>;
}

/** Of Service Bus: its own key signs the request. */
export function serviceBusFaults(connection: string): FaultRequest {
  const key = {
    name: field(connection, 'SharedAccessKeyName'),
    value: field(connection, 'SharedAccessKey'),
  };
  const url = `${field(connection, 'Endpoint').replace(/^sb:/, 'http:')}/$faults`;
  return { url, headers: { authorization: signSas(key, url, Date.now() + SIGNATURE_MS) } };
}

/** Of Cosmos DB: the account's key signs the request. @param method POST sets a fault, DELETE ends all */
export const cosmosFaults = (connection: string, method: 'POST' | 'DELETE' = 'POST'): FaultRequest => ({
  url: new URL('/$faults', field(connection, 'AccountEndpoint')).href,
  headers: signedHeaders(method, ['$faults'], field(connection, 'AccountKey')),
});
