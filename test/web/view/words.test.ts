import { describe, expect, it } from 'vitest';
import { ManifestSchema } from '../../../shared/contract/manifest.js';
import { parseManifest } from '../../../shared/manifest.js';
import { parseConfig } from '../../../web/src/config.js';
import { blockText } from '../../../shared/blockText.js';
import type { Block } from '../../../shared/contract/explanation.js';
import { poolText, scoreRows } from '../../../web/src/view/explain.js';
import { EXAMPLE_MANIFEST, lineRange, manifestFacts } from '../../../web/src/view/manifestText.js';
import { formatCost, formatTokens } from '../../../web/src/view/usage.js';

const usage = (usd: number, tokens = 0, accuracy: 'exact' | 'estimated' | 'unknown' = 'exact') => ({
  wallSeconds: 1,
  usd,
  tokens,
  accuracy,
});

describe('cost', () => {
  it('marks estimates and owns up to what nobody knows', () => {
    expect(formatCost(usage(0.424))).toBe('$0.42');
    expect(formatCost(usage(0.424, 0, 'estimated'))).toBe('~$0.42');
    expect(formatCost(usage(0.001))).toBe('<$0.01');
    expect(formatCost(usage(0))).toBe('$0');
    expect(formatCost(usage(0, 0, 'unknown'))).toBe('–');
  });

  it('counts tokens in thousands and millions', () => {
    expect(formatTokens(usage(0, 950))).toBe('950');
    expect(formatTokens(usage(0, 12_400))).toBe('12.4k');
    expect(formatTokens(usage(0, 1_200_000))).toBe('1.2M');
  });
});

describe('decisions in words', () => {
  it('name the block', () => {
    const text = (block: Block): string => blockText(block, (time) => `<${time}>`);
    expect(text({ kind: 'capability', missing: ['gpu', 'node>=22'] })).toBe('lacks gpu, node>=22');
    expect(text({ kind: 'stations', running: 2, stations: 2 })).toContain('2 of 2');
    expect(text({ kind: 'backoff', until: 'then' })).toBe('waits for its retry at <then>');
    expect(text({ kind: 'reserved', pool: 'mac', waiting: 1 })).toContain('for 1 job waiting');
  });

  it('count who is in a pool, as a pool without anybody runs nothing', () => {
    const fleet = {
      pool: 'any',
      factories: [{ factoryId: 'f', pools: ['any'], freeStations: 1, blocks: [] }],
    };
    expect(poolText('any', fleet)).toBe('chosen: 1 factory in it');
    expect(poolText('mac', fleet)).toBe('suits: nobody is in it');
  });

  it('compare the parts of a score with the largest, negative ones too', () => {
    const score = { total: 1, capabilityFit: 2, affinity: 0, load: 0, cost: 0, health: 0, starvation: -1 };
    const rows = scoreRows(score);
    expect(rows).toHaveLength(6);
    expect(rows.map(({ share }) => share)).toEqual([1, 0, 0, 0, 0, 0.5]);
  });
});

describe('the manifest', () => {
  it('example is one that is accepted', () => {
    expect(parseManifest(EXAMPLE_MANIFEST).kind).toBe('ok');
  });

  it('lines are found by number, beyond the end the last one', () => {
    const select = (line: number): string => {
      const { start, end } = lineRange('one\ntwo\nthree', line);
      return 'one\ntwo\nthree'.slice(start, end);
    };
    expect([select(0), select(1), select(2), select(3), select(9)]).toEqual([
      'one',
      'one',
      'two',
      'three',
      'three',
    ]);
  });

  it('shows what was set and leaves out what is empty', () => {
    const manifest = ManifestSchema.parse({ engine: 'shell', budget: { usd: '$5' }, body: 'x' });
    const facts = new Map(manifestFacts(manifest));
    expect(facts.get('budget')).toBe('usd 5');
    expect(facts.get('timeout')).toBe('45 min');
    expect(facts.get('retry')).toContain('backoff 10 s');
    expect(facts.has('capabilities')).toBe(false);
    expect(facts.has('body')).toBe(false);
  });
});

describe('the configuration', () => {
  const complete = { apiUrl: 'http://a/api', issuer: 'http://i', clientId: 'console', scope: 'openid' };

  it('is taken as it stands', () => {
    expect(parseConfig({ ...complete, loginHint: 'admin', other: 1 })).toEqual({
      ...complete,
      loginHint: 'admin',
    });
  });

  it('is refused with the name of what it lacks', () => {
    expect(() => parseConfig({ ...complete, issuer: '' })).toThrow('"issuer"');
    expect(() => parseConfig(undefined)).toThrow('"apiUrl"');
  });
});
