import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { missing } from '../../../shared/rules/capabilities.js';
import { costClassOf, poolsFor, routeJob } from '../../../shared/rules/routing.js';
import { POOLS as REAL_POOLS } from '../../../shared/topology.js';
import { POOLS } from './fixtures.js';

const poolOf = (requirements: string[], pools = POOLS): string | undefined => {
  const routing = routeJob({ requirements }, pools);
  return routing.kind === 'routed' ? routing.pool : undefined;
};

describe('a job is routed', () => {
  it.each([
    [['engine:shell'], 'any'],
    [['engine:shell', 'os:mac'], 'mac'],
    [['engine:shell', 'node>=18'], 'node'],
    [['engine:claude'], 'claude'],
    [['engine-class:agentic-coder'], 'claude'],
    [[], 'any'],
  ])('with %j to the least capable pool that guarantees it: %s', (requirements, pool) => {
    expect(poolOf(requirements)).toBe(pool);
  });

  it('to the cheaper of two equal pools, then by name', () => {
    const pools = [
      { name: 'b', capabilities: ['x'], costClass: 2 },
      { name: 'd', capabilities: ['x'], costClass: 1 },
      { name: 'c', capabilities: ['x'], costClass: 1 },
    ];
    expect(poolOf(['x'], pools)).toBe('c');
  });

  it('nowhere when no pool guarantees everything, with what each lacks', () => {
    const routing = routeJob({ requirements: ['engine:shell', 'has:xcode'] }, POOLS);
    expect(routing.kind).toBe('unroutable');
    expect(routing.considered).toContainEqual({ pool: 'mac', missing: ['has:xcode'] });
  });

  it('only to pools all of whose members can run it', () => {
    const tags = ['engine:shell', 'engine:claude', 'os:mac', 'os:linux', 'node>=20', 'node>=18'];
    const machines = ['engine:shell', 'engine:claude', 'os:mac', 'os:linux', 'node@18.1.0', 'node@22.0.0'];
    fc.assert(
      fc.property(fc.subarray(tags), fc.subarray(machines), (requirements, advertises) => {
        const pool = poolOf(requirements);
        fc.pre(pool !== undefined && poolsFor(advertises, POOLS).includes(pool));
        expect(missing(requirements, advertises)).toEqual([]);
      }),
    );
  });
});

describe('a factory', () => {
  it('joins every pool whose declaration it satisfies', () => {
    expect(poolsFor(['os:linux', 'engine:shell', 'node@20.20.2'], POOLS)).toEqual(['any', 'linux', 'node']);
    expect(poolsFor(['engine:claude'], POOLS)).toEqual([]);
  });

  it('joins the pool of its engine class in the real topology', () => {
    expect(poolsFor(['os:mac', 'engine:shell', 'engine:claude'], REAL_POOLS)).toEqual([
      'any',
      'mac',
      'agents',
      'claude',
    ]);
  });

  it('costs what its dearest pool costs', () => {
    expect(costClassOf(['any', 'mac'], POOLS)).toBe(3);
    expect(costClassOf([], POOLS)).toBe(1);
  });
});
