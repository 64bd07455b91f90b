/** How to reach one service: a connection string, or an endpoint with the identity that the process runs under. */
export type ServiceSetting =
  | { readonly kind: 'connectionString'; readonly value: string }
  | {
      readonly kind: 'endpoint';
      readonly value: string;
      /** `NAME__credential` is `managedidentity`; `NAME__clientId` then chooses among several. */
      readonly managedIdentity: boolean;
      readonly clientId: string | undefined;
    };

export type Environment = Readonly<Record<string, string | undefined>>;

/** The settings of each service, named as the Functions host names them. */
const SERVICES = {
  COSMOS: 'accountEndpoint',
  SERVICE_BUS: 'fullyQualifiedNamespace',
  BLOBS: 'serviceUri',
} as const;

/** A setting that is missing or wrong: what it is, and what was expected. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/**
 * Reads how to reach one service, from `NAME` (connection string) or `NAME__endpoint` (managed identity).
 * @throws SettingsError when both are missing
 */
export function serviceSetting(env: Environment, name: keyof typeof SERVICES): ServiceSetting {
  const connectionString = env[name];
  if (connectionString) return { kind: 'connectionString', value: connectionString };
  const identityName = `${name}__${SERVICES[name]}`;
  const endpoint = env[identityName];
  if (endpoint)
    return {
      kind: 'endpoint',
      value: endpoint,
      managedIdentity: env[`${name}__credential`] === 'managedidentity',
      clientId: env[`${name}__clientId`],
    };
  throw new SettingsError(
    `neither ${name} nor ${identityName} is set: set ${name} to a connection string, or ${identityName} to an address`,
  );
}
