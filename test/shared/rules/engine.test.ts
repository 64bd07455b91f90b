import { describe, expect, it } from 'vitest';
import { ENGINES, ENGINE_CLASSES } from '../../../shared/contract/manifest.js';
import { classesOf, resolveEngine } from '../../../shared/rules/engine.js';
import { manifest } from './fixtures.js';

const BOTH = ['engine:codex', 'engine:claude'];

describe('the engine of a job', () => {
  it.each([
    ['the named one', { engine: 'codex' as const }, BOTH, 'codex'],
    ['none where the named one is not there', { engine: 'shell' as const }, BOTH, undefined],
    ['the first of its class', { 'engine-class': 'agentic-coder' as const }, BOTH, 'claude'],
    ['the preferred one of its class', { prefers: ['mac-2', 'engine:codex'] }, BOTH, 'codex'],
    ['the preferred one by its bare name', { prefers: ['codex'] }, BOTH, 'codex'],
    ['another of its class when the preferred one is not there', { prefers: ['gemini'] }, BOTH, 'claude'],
    ['the one named as a capability', { capabilities: ['engine:codex'] }, BOTH, 'codex'],
    ['never a shell by default', {}, ['engine:shell'], undefined],
  ])('is %s', (_, fields, advertises, expected) => {
    const asked = manifest({ engine: undefined, ...fields });
    expect(resolveEngine({ needs: asked }, advertises)).toBe(expected);
  });

  it('is what the job settled on, before its manifest', () => {
    expect(resolveEngine({ engine: 'codex', needs: manifest({ engine: undefined }) }, BOTH)).toBe('codex');
  });
});

describe('engine classes', () => {
  it('hold every engine exactly once', () => {
    for (const engine of ENGINES) expect(classesOf(engine)).toHaveLength(1);
    expect(new Set(ENGINES.flatMap(classesOf))).toEqual(new Set(ENGINE_CLASSES));
  });
});
