import { describe, expect, it } from 'vitest';
import { Settings } from '../../../local/host/settings.js';

describe('application settings', () => {
  it('resolve %NAME%, ignoring case, and name what is missing', () => {
    const settings = new Settings({ Queue_Name: 'orders', ENV: 'dev' });
    expect(settings.resolve('%QUEUE_NAME%-%env%')).toBe('orders-dev');
    expect(() => settings.resolve('%Missing%')).toThrow(
      "'%Missing%' does not resolve to a value: set Missing.",
    );
  });

  it('find a connection as AzureWebJobs<name>, then <name>, then a section', () => {
    const text = (all: Record<string, string>): unknown => new Settings(all).connection('BUS');
    expect(text({ BUS: 'b', AzureWebJobsBUS: 'a' })).toEqual({ kind: 'connectionString', text: 'a' });
    expect(text({ BUS: 'b', BUS__fullyQualifiedNamespace: 'n' })).toEqual({
      kind: 'connectionString',
      text: 'b',
    });
    expect(text({ BUS__fullyQualifiedNamespace: 'n', bus__clientId: 'c' })).toEqual({
      kind: 'identity',
      options: { fullyqualifiednamespace: 'n', clientid: 'c' },
    });
    expect(() => text({ BUSY: 'x' })).toThrow('No connection "BUS"');
  });

  it('disable a function', () => {
    const settings = new Settings({ 'AzureWebJobs.one.Disabled': 'True', 'AzureWebJobs.two.Disabled': '0' });
    expect(['one', 'two', 'three'].map((name) => settings.isDisabled(name))).toEqual([true, false, false]);
  });
});
