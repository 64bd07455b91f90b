import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guarantees, missing, requirementsOf } from '../../../shared/rules/capabilities.js';
import { MAX_LANE_CHARS, laneOf } from '../../../shared/rules/lanes.js';
import { manifest } from './fixtures.js';

const MAC = ['os:mac', 'has:xcode', 'node@20.20.2', 'python@3.12', 'git@2.43.0.windows.1', 'engine:claude'];

describe('requirements', () => {
  it('are normalised, sorted, without repetition, with the engine and without os:any', () => {
    const asked = manifest({
      capabilities: ['os:any', 'node >= 20', 'has:xcode', 'node>=20', 'node >=20 <23'],
    });
    expect(requirementsOf(asked)).toEqual(['engine:shell', 'has:xcode', 'node>=20', 'node>=20<23']);
  });

  it.each([
    [{ engine: 'claude' as const }, undefined, ['engine:claude']],
    [{ 'engine-class': 'script' as const }, undefined, ['engine-class:script']],
    [{}, 'codex' as const, ['engine:codex']],
    [{ capabilities: ['engine:gemini'] }, undefined, ['engine:gemini']],
    // A prompt alone asks for a coder, never for a shell.
    [{}, undefined, ['engine-class:agentic-coder']],
  ])('of %j with the default %s are %j', (fields, engine, expected) => {
    expect(requirementsOf(manifest({ engine: undefined, ...fields }), engine)).toEqual(expected);
  });
});

describe('a factory lacks', () => {
  it.each([
    [['os:mac', 'has:xcode'], []],
    [['os:linux'], ['os:linux']],
    [['node>=20'], []],
    [['node>=20<21'], []],
    [['node^20.5'], []],
    [['node~20.20'], []],
    [
      ['node>20.20.2', 'node<=20.20.1'],
      ['node>20.20.2', 'node<=20.20.1'],
    ],
    [['node=20.20.2'], []],
    [['node'], []],
    [['python>=3.12'], []],
    [['python>=3.13'], ['python>=3.13']],
    [['git>=2.40'], []],
    [['ruby>=3'], ['ruby>=3']],
    // A tag has no version to compare.
    [['has:xcode>=15'], ['has:xcode>=15']],
    [['engine-class:agentic-coder'], []],
    [['engine-class:script'], ['engine-class:script']],
    [['os:any'], []],
    [['nod'], ['nod']],
  ])('for %j: %j', (requirements, expected) => {
    expect(missing(requirements, MAC)).toEqual(expected);
  });

  it('nothing of what it says of itself', () => {
    expect(missing(['os:mac', 'has:xcode', 'node', 'python'], MAC)).toEqual([]);
  });

  it('a class that it claims without an engine behind it', () => {
    const tag = 'engine-class:agentic-coder';
    expect(missing([tag], [tag])).toEqual([tag]);
    expect(missing([tag], [tag, 'engine:codex'])).toEqual([]);
  });

  it('no nightly build that it chose to have', () => {
    expect(missing(['node>=22'], ['node@23.0.0-nightly.1'])).toEqual([]);
  });

  it('nothing when one of two installed versions fits', () => {
    expect(missing(['node<20', 'node>=22'], ['node@18.0.0', 'node@22.1.0'])).toEqual([]);
  });
});

describe('a pool guarantees', () => {
  const pool = ['engine:claude', 'os:mac', 'node>=20 <23'];
  it.each([
    ['os:mac', true],
    ['os:linux', false],
    ['node>=18', true],
    ['node>=20', true],
    ['node>=22', false],
    ['node<23', true],
    ['node<22', false],
    ['node', true],
    ['engine-class:agentic-coder', true],
    ['engine-class:script', false],
    ['os:any', true],
    ['has:xcode', false],
  ])('%s: %s', (requirement, expected) => {
    expect(guarantees(pool, requirement)).toBe(expected);
  });

  it('nothing that one of its members could lack', () => {
    const versions = fc.tuple(fc.integer({ min: 16, max: 24 }), fc.integer({ min: 0, max: 9 }));
    const ranges = fc
      .tuple(fc.constantFrom('>=', '<=', '>', '<', '^', '~', '='), versions)
      .map(([operator, [major, minor]]) => `node${operator}${major}.${minor}`);
    fc.assert(
      fc.property(ranges, ranges, versions, (declared, wanted, [major, minor]) => {
        const member = [`node@${major}.${minor}.0`];
        fc.pre(guarantees([declared], wanted) && missing([declared], member).length === 0);
        expect(missing([wanted], member)).toEqual([]);
      }),
    );
  });
});

describe('a lane', () => {
  it.each([
    [[], '*'],
    [['engine:shell'], 'engine:shell'],
    [['engine:claude', 'has:xcode', 'node>=20'], 'engine:claude,has:xcode,node>=20'],
  ])('of %j is %s: tickets in flight carry it, so it stays', (requirements, lane) => {
    expect(laneOf(requirements)).toBe(lane);
  });

  it('of many requirements is cut, and still told from its neighbour by a stable mark', () => {
    const many = Array.from({ length: 30 }, (_, n) => `has:tool-${n}`);
    const lane = laneOf(many);
    expect(lane).toHaveLength(MAX_LANE_CHARS);
    expect(lane.slice(-17)).toBe('#a66ae67ea486eea1');
    expect(laneOf([...many, 'x'])).not.toBe(lane);
  });

  it('is the same for the same requirements, however they were written', () => {
    const lane = (...capabilities: string[]) => laneOf(requirementsOf(manifest({ capabilities })));
    expect(lane('node >= 20', 'gpu')).toBe(lane('gpu', 'os:any', 'node>=20'));
  });
});
