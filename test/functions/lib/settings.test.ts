import { describe, expect, it } from 'vitest';
import { readSettings } from '../../../functions/lib/settings.js';

const COMPLETE = {
  COSMOS: 'AccountEndpoint=http://127.0.0.1:1/;AccountKey=a2V5;',
  SERVICE_BUS: 'Endpoint=sb://127.0.0.1;SharedAccessKeyName=n;SharedAccessKey=k',
  BLOBS: 'UseDevelopmentStorage=true',
  OPERATOR_ISSUER: 'https://issuer',
  OPERATOR_AUDIENCE: 'api://x',
  OPERATOR_JWKS_URL: 'https://issuer/jwks',
  FACTORY_TOKEN_KEY: Buffer.alloc(32, 1).toString('base64'),
  AUDIT_KEY: Buffer.alloc(32, 2).toString('base64'),
};

describe('settings', () => {
  it('are read with their defaults', () => {
    expect(readSettings(COMPLETE)).toMatchObject({ leaseSeconds: 30, operator: { audience: 'api://x' } });
  });

  it('name everything that is missing at once', () => {
    let message = '';
    try {
      readSettings({});
    } catch (error) {
      message = (error as Error).message;
    }
    for (const name of [...Object.keys(COMPLETE), 'COSMOS__accountEndpoint']) expect(message).toContain(name);
  });

  it.each([
    ['FACTORY_TOKEN_KEY', 'c2hvcnQ=', '32'],
    ['AUDIT_KEY', Buffer.alloc(33).toString('base64'), '32'],
    ['OPERATOR_JWKS_URL', 'not a url', 'URL'],
    ['LEASE_SECONDS', '-1', 'above 0'],
    ['FEED_POLL_MS', 'often', 'above 0'],
  ])('refuse a wrong %s', (name, value, expected) => {
    expect(() => readSettings({ ...COMPLETE, [name]: value })).toThrow(expected);
  });

  it('take a managed identity instead of a connection string', () => {
    const { COSMOS: _, ...rest } = COMPLETE;
    const env = {
      ...rest,
      COSMOS__accountEndpoint: 'https://a.documents.azure.com',
      COSMOS__credential: 'managedidentity',
      COSMOS__clientId: 'id',
    };
    expect(readSettings(env).cosmos).toEqual({
      kind: 'endpoint',
      value: 'https://a.documents.azure.com',
      managedIdentity: true,
      clientId: 'id',
    });
  });
});
