import { describe, expect, it } from 'vitest';
import { readFunction } from '../../../local/host/functions.js';
import type { HostedFunction } from '../../../local/host/functions.js';
import { Settings } from '../../../local/host/settings.js';
import type { Binding } from '../../../local/host/worker/protocol.js';

const read = (trigger: object, output?: object): HostedFunction =>
  readFunction(
    {
      name: 'fn',
      bindings: {
        in: { direction: 'in', ...trigger } as Binding,
        ...(output ? { out: { direction: 'out', ...output } as Binding } : {}),
      },
    },
    new Settings({ QUEUE: 'q' }),
  );

describe('reading a function', () => {
  it.each([
    [{ type: 'blobTrigger' }, 'the local host has no "blobTrigger"'],
    [{ type: 'serviceBusTrigger', connection: 'C', topicName: 't' }, 'no Service Bus topics, only queues'],
    [{ type: 'serviceBusTrigger', connection: 'C' }, 'its serviceBusTrigger needs "queueName"'],
    [{ type: 'serviceBusTrigger', connection: 'C', queueName: '%NONE%' }, "'%NONE%' does not resolve"],
    [{ type: 'cosmosDBTrigger', connection: 'C', databaseName: 'd' }, 'needs "containerName"'],
    [
      {
        type: 'cosmosDBTrigger',
        connection: 'C',
        databaseName: 'd',
        containerName: 'c',
        changeFeedMode: 'AllVersionsAndDeletes',
      },
      'LatestVersion change feed only',
    ],
    [{ type: 'httpTrigger', authLevel: 'user' }, 'authLevel "user" is none of'],
    [{ type: 'blob' }, 'it has no trigger'],
  ])('refuses by name what it cannot run: %j', (trigger, message) => {
    expect(() => read(trigger)).toThrow(message);
    expect(() => read(trigger)).toThrow('Function "fn"');
  });

  it('refuses bindings that it lacks', () => {
    expect(() => read({ type: 'httpTrigger' }, { type: 'cosmosDB' })).toThrow('no "cosmosDB" output binding');
    expect(() =>
      read({ type: 'httpTrigger' }, { type: 'serviceBus', topicName: 't', connection: 'C' }),
    ).toThrow('output binding to topics (queues only)');
    expect(() => read({ type: 'httpTrigger' }, { type: 'blob', direction: 'in' })).toThrow(
      '"blob" input binding',
    );
  });

  it('fills in the defaults of the extensions', () => {
    expect(read({ type: 'httpTrigger' }).trigger).toEqual({
      kind: 'http',
      route: 'fn',
      methods: ['GET', 'POST'],
      authLevel: 'anonymous',
    });
    expect(read({ type: 'serviceBusTrigger', connection: 'C', queueName: '%QUEUE%' }).trigger).toMatchObject({
      queueName: 'q',
      cardinality: 'one',
      isSessionsEnabled: false,
    });
    expect(
      read({ type: 'cosmosDBTrigger', connection: 'C', databaseName: 'd', containerName: 'c' }).trigger,
    ).toMatchObject({
      leaseConnection: 'C',
      leaseDatabaseName: 'd',
      leaseContainerName: 'leases',
      feedPollDelay: 5_000,
      maxItemsPerInvocation: 100,
      leaseAcquireInterval: 13_000,
      leaseExpirationInterval: 60_000,
      leaseRenewInterval: 17_000,
    });
  });
});
