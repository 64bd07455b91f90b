import { describe, expect, it } from 'vitest';
import {
  busyStations,
  fleetTotals,
  groupCapabilities,
  poolViews,
  sortFactories,
  stationsOf,
} from '../../../web/src/view/fleet.js';
import { sampleFactory, sampleJob } from '../samples.js';

const job = sampleJob({ stage: 'building', holder: 'factory-1' });

describe('busy stations', () => {
  it('are counted by who holds a job, when every job is known', () => {
    const stale = sampleFactory({ running: 2 });
    expect(busyStations(stale, { jobs: [job], complete: true })).toBe(1);
    expect(busyStations(stale, { jobs: [], complete: true })).toBe(0);
  });

  it('are what the factory reported, when the list may lack some', () => {
    expect(busyStations(sampleFactory({ running: 2 }), { jobs: [job], complete: false })).toBe(2);
  });

  it('lead to their jobs', () => {
    const cells = stationsOf(sampleFactory({ stations: 3, running: 2 }), { jobs: [job], complete: false });
    expect(cells).toEqual([{ job, busy: true }, { busy: true }, { busy: false }]);
  });

  it('of factories that are away do not count', () => {
    const factories = [
      sampleFactory({ running: 1 }),
      sampleFactory({ id: 'b', status: 'offline', running: 2 }),
    ];
    const totals = fleetTotals(factories, { jobs: [], complete: false });
    expect(totals).toEqual({ factories: 2, online: 1, stations: 2, busy: 1 });
  });
});

it('lists those that take work first', () => {
  const order = sortFactories([
    sampleFactory({ id: 'c', status: 'offline' }),
    sampleFactory({ id: 'b', status: 'draining' }),
    sampleFactory({ id: 'z' }),
    sampleFactory({ id: 'a' }),
  ]);
  expect(order.map(({ id }) => id)).toEqual(['a', 'z', 'b', 'c']);
});

it('shows every declared pool, also one without members; a draining factory is a member without free stations', () => {
  const pools = [
    { name: 'any', capabilities: [] },
    { name: 'mac', capabilities: ['os:mac'] },
  ];
  const factories = [sampleFactory({ running: 1 }), sampleFactory({ id: 'b', status: 'draining' })];
  const views = poolViews(pools, factories, { jobs: [], complete: false });
  expect(views.map(({ name, members, free }) => [name, members.length, free])).toEqual([
    ['any', 2, 1],
    ['mac', 0, 0],
  ]);
});

it('groups capabilities and leaves none out', () => {
  expect(groupCapabilities(['engine:claude', 'node@20.1.0', 'os:mac', 'gpu'])).toEqual([
    { title: 'Engines', tags: ['claude'] },
    { title: 'Tools', tags: ['node 20.1.0'] },
    { title: 'Machine', tags: ['os:mac', 'gpu'] },
  ]);
});
