import { describe, expect, it } from 'vitest';
import { AppError } from '../../../shared/errors.js';
import { failureOf, placeOf } from '../../../web/src/view/failure.js';

describe('a failure', () => {
  it('keeps every problem of a manifest with its place', () => {
    const problems = [{ path: 'engine', message: 'engine is "shel"', nearest: 'shell', line: 2, column: 9 }];
    const failure = failureOf(new AppError('invalid-manifest', 'the manifest has 1 problem', { problems }));
    expect(failure.problems).toEqual(problems);
    expect(placeOf({ path: 'engine', message: '', line: 2, column: 9 })).toBe('2:9 engine');
    expect(placeOf({ path: '', message: '' })).toBe('');
  });

  it('names what is legal instead', () => {
    const failure = failureOf(new AppError('illegal-transition', 'not from failed', { legal: ['requeue'] }));
    expect(failure.next).toContain('Possible now: requeue.');
  });

  it('knows the ones that pass by themselves, and the ones that a sign-in cures', () => {
    expect(failureOf(new AppError('unavailable', 'away'))).toMatchObject({ offline: true, signedOut: false });
    expect(failureOf(new AppError('unauthenticated', 'ended'))).toMatchObject({
      offline: false,
      signedOut: true,
    });
    expect(failureOf(new TypeError('Failed to fetch')).offline).toBe(true);
  });

  it('of any other kind says what was thrown', () => {
    expect(failureOf(new Error('x is not a function')).detail).toBe('x is not a function');
    expect(failureOf('text').detail).toBe('text');
  });
});
