import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseTimeSpan, readHostJson } from '../../../local/host/hostJson.js';
import type { HostConfig, JsonObject } from '../../../local/host/hostJson.js';
import { Settings } from '../../../local/host/settings.js';

describe('host.json', () => {
  let folder: string;
  let warnings: string[];
  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'host-json-'));
    warnings = [];
  });
  afterEach(() => rm(folder, { recursive: true }));

  const read = async (
    content: object,
    settings: Record<string, string> = {},
    overrides: JsonObject = {},
  ): Promise<HostConfig> => {
    await writeFile(path.join(folder, 'host.json'), JSON.stringify(content));
    return readHostJson(folder, new Settings(settings), overrides, (message) => warnings.push(message));
  };

  it('has the defaults of the real host', async () => {
    expect(await read({ version: '2.0' })).toMatchObject({
      functionTimeout: 1_800_000,
      http: { routePrefix: 'api', maxOutstandingRequests: -1 },
      serviceBus: {
        maxConcurrentCalls: 16 * os.availableParallelism(),
        maxConcurrentSessions: 8,
        autoCompleteMessages: true,
        maxAutoLockRenewalDuration: 300_000,
        maxMessageBatchSize: 1_000,
      },
    });
  });

  it('gives way to settings, and these to overrides', async () => {
    const file = {
      functionTimeout: '-1',
      extensions: { http: { routePrefix: 'file' }, serviceBus: { maxConcurrentCalls: 1 } },
    };
    const settings = {
      AzureFunctionsJobHost__extensions__http__routePrefix: 'setting',
      AzureFunctionsJobHost__Extensions__ServiceBus__MaxConcurrentCalls: '3',
      AzureFunctionsJobHost__logging__logLevel__Function: 'Warning',
    };
    const overrides = { extensions: { http: { routePrefix: '' } } };
    expect(await read(file, settings, overrides)).toMatchObject({
      functionTimeout: undefined,
      logLevels: { function: 'warning' },
      http: { routePrefix: '' },
      serviceBus: { maxConcurrentCalls: 3 },
    });
  });

  it('names what it does not know, and what Azure alone needs passes in silence', async () => {
    await read({
      version: '2.0',
      logging: { applicationInsights: { samplingSettings: { isEnabled: true } } },
      extensionBundle: { id: 'x', version: '[4.*, 5.0.0)' },
      extensions: { queues: { batchSize: 1 } },
    });
    expect(warnings).toEqual([
      'host.json: this host does not know extensions.queues.batchsize and ignores it.',
    ]);
  });

  it('refuses a value of the wrong form by name', async () => {
    await expect(read({ functionTimeout: 'soon' })).rejects.toThrow('functionTimeout must be a time span');
    await expect(read({ extensions: { serviceBus: { maxConcurrentCalls: 'x' } } })).rejects.toThrow(
      'extensions:serviceBus:maxConcurrentCalls must be a number',
    );
  });

  it.each([
    ['00:05:00', 300_000],
    ['1.02:00:00', 93_600_000],
    ['00:00:00.5', 500],
  ])('reads the time span %s', (text, ms) => {
    expect(parseTimeSpan(text, 'x')).toBe(ms);
  });
});
