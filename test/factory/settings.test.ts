import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { nameOfHost, readSettings } from '../../factory/settings.js';
import { TemporaryFolder } from './support/repository.js';

const ENV = { GIGAFACTORY_API: 'http://127.0.0.1:7071/api', SERVICE_BUS: 'Endpoint=sb://x' };

test('takes the enrolment token out of the environment', () => {
  using folder = new TemporaryFolder();
  const env: NodeJS.ProcessEnv = { ...ENV, GIGAFACTORY_ENROLMENT: 'one-time' };
  expect(readSettings({ name: 'mac-1', data: folder.path }, env).enrolmentToken).toBe('one-time');
  expect(env).not.toHaveProperty('GIGAFACTORY_ENROLMENT');
});

test('makes its folder', () => {
  using folder = new TemporaryFolder();
  const data = path.join(folder.path, 'a', 'b');
  expect(readSettings({ name: 'mac-1', data }, { ...ENV }).dataDir).toBe(data);
  expect(existsSync(data)).toBe(true);
});

test('has one station when one run is asked for', () => {
  using folder = new TemporaryFolder();
  expect(
    readSettings({ name: 'mac-1', data: folder.path, once: true, stations: 8 }, { ...ENV }).stations,
  ).toBe(1);
});

test.each([
  [{ name: 'Mac 1' }, ENV, 'expected a factory id'],
  [{ stations: 65 }, ENV, 'from 1 to 64'],
  [{ stations: 1.5 }, ENV, 'from 1 to 64'],
  [{}, { ...ENV, GIGAFACTORY_API: 'localhost' }, 'is no URL'],
  [{}, { GIGAFACTORY_API: ENV.GIGAFACTORY_API }, 'neither SERVICE_BUS nor'],
])('refuses %o', (options, env, words) => {
  using folder = new TemporaryFolder();
  expect(() => readSettings({ name: 'mac-1', data: folder.path, ...options }, { ...env })).toThrow(words);
});

test.each([
  ['Annas-Mac.local', 'annas-mac'],
  ['build_01', 'build-01'],
  ['x', 'factory'],
  ['', 'factory'],
  ['--', 'factory'],
])('names a factory after the host %o: %s', (host, name) => {
  expect(nameOfHost(host)).toBe(name);
});
