import { describe, expect, it } from 'vitest';
import { ProfileSpecSchema } from '../../../shared/contract/profile.js';
import type { ProfileSpecInput } from '../../../shared/contract/profile.js';
import { allowedScopeOf, mayPushDirectly, reviewPolicyOf, verifyOf } from '../../../shared/rules/profile.js';
import { isVerified } from '../../../shared/rules/stages.js';
import { job } from './fixtures.js';

const snapshot = (spec: Partial<ProfileSpecInput>) => ({
  name: 'developer',
  owner: 'fleet',
  version: 1,
  spec: ProfileSpecSchema.parse({
    title: 'Developer',
    summary: 'Writes code.',
    persona: 'You write code.',
    ...spec,
  }),
});
const PROFILE = snapshot({
  'default-verify': 'npm test',
  'review-policy': 'auto',
  'allowed-scope': ['src/**'],
  'push-policy': 'direct',
});

describe('a job with a profile', () => {
  it('has what the profile gives where it says nothing itself', () => {
    const asked = { ...job({ verify: undefined }), profile: PROFILE };
    expect([verifyOf(asked), reviewPolicyOf(asked)]).toEqual(['npm test', 'auto']);
    expect([allowedScopeOf(asked), mayPushDirectly(asked)]).toEqual([['src/**'], true]);
    expect(isVerified(asked)).toBe(false);
  });

  it('keeps its own word', () => {
    const asked = { ...job({ verify: 'make check', 'review-policy': 'manual' }), profile: PROFILE };
    expect([verifyOf(asked), reviewPolicyOf(asked)]).toEqual(['make check', 'manual']);
  });

  it('without one has the defaults: no verify, a person ships, a feature branch, any path', () => {
    const asked = job({ verify: undefined });
    expect([verifyOf(asked), reviewPolicyOf(asked)]).toEqual([undefined, 'manual']);
    expect([allowedScopeOf(asked), mayPushDirectly(asked)]).toEqual([undefined, false]);
  });
});
