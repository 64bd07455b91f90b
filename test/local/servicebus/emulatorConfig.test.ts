import { describe, expect, it } from 'vitest';
import { parseEmulatorConfig } from '../../../local/servicebus/emulatorConfig.js';

const withQueue = (properties: object, more: object = {}): unknown => ({
  UserConfig: {
    Namespaces: [{ Name: 'sbemulatorns', Queues: [{ Name: 'queue.1', Properties: properties }], ...more }],
    Logging: { Type: 'File' },
  },
});

describe('the official emulator’s Config.json', () => {
  it('gives the queues with their properties', () => {
    const config = withQueue({
      DeadLetteringOnMessageExpiration: true,
      DefaultMessageTimeToLive: 'PT1H',
      DuplicateDetectionHistoryTimeWindow: 'PT20S',
      ForwardDeadLetteredMessagesTo: '',
      ForwardTo: '',
      LockDuration: 'PT1M',
      MaxDeliveryCount: 3,
      RequiresDuplicateDetection: true,
      RequiresSession: true,
    });
    expect(parseEmulatorConfig(config)).toEqual({
      queues: [
        {
          name: 'queue.1',
          deadLetterOnExpiration: true,
          defaultTtlSeconds: 3_600,
          lockDurationSeconds: 60,
          maxDeliveryCount: 3,
          duplicateDetectionWindowSeconds: 20,
          requiresSession: true,
        },
      ],
      warnings: [],
    });
  });

  it('ignores the duplicate window where duplicate detection is off', () => {
    const config = withQueue({
      DuplicateDetectionHistoryTimeWindow: 'PT20S',
      RequiresDuplicateDetection: false,
    });
    expect(parseEmulatorConfig(config).queues).toEqual(
      [{ name: 'queue.1', requiresSession: undefined }].map(({ name }) => ({ name })),
    );
  });

  it.each([
    [withQueue({}, { Topics: [{ Name: 't' }] }), /Namespaces\[0\]\.Topics: the embedded cloud has no topics/],
    [
      withQueue({ ForwardTo: 'other' }),
      /Queues\[0\]\.Properties\.ForwardTo: the embedded cloud has no forwarding/,
    ],
    [withQueue({ Colour: 'red' }), /Properties\.Colour: .* queue property Colour/],
  ])('refuses by path what is not there, or skips it with a warning', (config, why) => {
    expect(() => parseEmulatorConfig(config)).toThrow(why);
    const { queues, warnings } = parseEmulatorConfig(config, { skipUnsupported: true });
    expect(queues).toHaveLength(1);
    expect(warnings).toEqual([expect.stringMatching(why)]);
  });

  it.each([
    [{}, /UserConfig: expected an object/],
    [{ UserConfig: {} }, /UserConfig\.Namespaces: expected a list/],
    [withQueue({ LockDuration: 'one minute' }), /LockDuration: expected an ISO 8601 duration/],
    [withQueue({ LockDuration: 'PT1H' }), /lockDurationSeconds is 3600, expected a number from 1 to 300/],
    [withQueue({ MaxDeliveryCount: '3' }), /MaxDeliveryCount: expected a number/],
    [withQueue({ RequiresSession: 1 }), /RequiresSession: expected true or false/],
  ])('refuses what is wrong, with the path', (config, why) => {
    expect(() => parseEmulatorConfig(config)).toThrow(why);
  });
});
