import type { TokenCredential } from '@azure/identity';
import type { ServiceSetting } from './settings.js';

type Identity = Pick<Extract<ServiceSetting, { kind: 'endpoint' }>, 'managedIdentity' | 'clientId'>;

/**
 * The identity that calls a service: a managed one where the settings say so, as the Functions host reads them; a
 * developer's own sign-in otherwise. The SDK is loaded here: with connection strings nobody needs it.
 */
export async function credentialFor(setting: Identity): Promise<TokenCredential> {
  const { DefaultAzureCredential, ManagedIdentityCredential } = await import('@azure/identity');
  const { clientId } = setting;
  if (!setting.managedIdentity)
    return new DefaultAzureCredential(clientId === undefined ? {} : { managedIdentityClientId: clientId });
  return clientId === undefined
    ? new ManagedIdentityCredential()
    : new ManagedIdentityCredential({ clientId });
}
