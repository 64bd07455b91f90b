// When a factory asks for a new token, on machines whose clocks are off. Time is the test's own.
import { expect, it } from 'vitest';
import { byOwnClock, keepFresh, type Identity } from '../../factory/identity.js';
import type { FactoryToken } from '../../shared/contract/api.js';

const DAY_MS = 24 * 3_600_000;
const START_MS = Date.UTC(2026, 0, 1);
const SILENT = { info: () => {}, warn: () => {}, error: () => {} };

it.each([0, -300, -30, 30, 300])(
  'asks for a new token each week on a machine whose clock is %s days ahead',
  async (days) => {
    let now = START_MS;
    const own = (): number => now + days * DAY_MS;
    const iso = (ms: number): string => new Date(now + ms).toISOString();
    const given = (token: string): FactoryToken => ({
      token,
      issuedAt: iso(0),
      rotateAt: iso(7 * DAY_MS),
      tokenExpiresAt: iso(60 * DAY_MS),
    });
    const end = new AbortController();
    const asked: number[] = [];
    const kept: Identity[] = [];
    const identity: Identity = {
      ...byOwnClock(given('first'), own()),
      factoryId: 'box',
      pools: [],
      leaseSeconds: 30,
      apiUrl: 'http://control.test',
      descriptor: { name: 'box', advertises: [], stations: 1, agentVersion: '1' },
    };
    await keepFresh(
      {
        fleet: {
          rotateToken: () => {
            asked.push((now - START_MS) / DAY_MS);
            if (asked.length === 3) end.abort();
            return Promise.resolve(given(`token ${asked.length}`));
          },
        },
        identity,
        keep: (fresh) => {
          kept.push(fresh);
          return Promise.resolve(fresh);
        },
        become: () => {},
        logger: SILENT,
        pace: {
          pause: (ms) => {
            now += ms;
            return Promise.resolve();
          },
        },
        now: own,
      },
      end.signal,
    );
    expect(asked).toEqual([7, 14, 21]);
    expect(kept.map(({ token }) => token)).toEqual(['token 1', 'token 2', 'token 3']);
    expect(Date.parse(kept[2]?.tokenExpiresAt ?? '') - own()).toBe(60 * DAY_MS);
  },
);
