/** What went wrong and what to do next: every failure that a person meets goes through here. */
import { AppError, type ErrorCode, type Problem } from '../../../shared/errors.js';

export interface Failure {
  readonly title: string;
  readonly detail: string;
  /** The next step, as a sentence. */
  readonly next: string;
  readonly problems: readonly Problem[];
  /** The API is away: trying again by itself makes sense. */
  readonly offline: boolean;
  readonly signedOut: boolean;
  /** What was asked for is not there: asking again is of no use. */
  readonly gone: boolean;
}

const ADVICE: Readonly<Record<ErrorCode, { title: string; next: string }>> = {
  'invalid-request': { title: 'The request does not fit', next: 'Mend what is listed and send it again.' },
  'invalid-manifest': {
    title: 'The manifest does not fit',
    next: 'Mend what is listed and submit it again.',
  },
  unauthenticated: { title: 'You are signed out', next: 'Sign in again; nothing you wrote here is lost.' },
  forbidden: { title: 'Your role does not allow this', next: 'Ask an admin of the product for the role.' },
  'bad-signature': { title: 'The signature does not match', next: 'Set the same secret on both sides.' },
  'not-found': { title: 'There is no such thing here', next: 'Check the address, or go back to the jobs.' },
  'illegal-transition': {
    title: 'The job has moved on',
    next: 'Look at its stage now; the buttons follow it.',
  },
  'stale-epoch': { title: 'Another run holds the job', next: 'Nothing was changed. Look at the newest run.' },
  'idempotency-conflict': {
    title: 'The key was used for another job',
    next: 'Choose another idempotency-key, or submit the first content again.',
  },
  contended: { title: 'Somebody changed it at the same moment', next: 'Try again.' },
  'too-large': { title: 'That is too large', next: 'Send less, or several jobs.' },
  unavailable: { title: 'The control plane does not answer', next: 'It is tried again by itself.' },
  internal: { title: 'A defect of ours', next: 'Report it with the text above.' },
};

/** Turns whatever was thrown into sentences; anything unknown becomes a defect with its own message. */
export function failureOf(error: unknown): Failure {
  if (error instanceof AppError) {
    const { title, next } = ADVICE[error.code];
    const legal = error.detail.legal;
    return {
      title,
      detail: error.message,
      next: legal && legal.length > 0 ? `${next} Possible now: ${legal.join(', ')}.` : next,
      problems: error.detail.problems ?? [],
      offline: error.code === 'unavailable',
      signedOut: error.code === 'unauthenticated',
      gone: error.code === 'not-found',
    };
  }
  // fetch throws a TypeError when there is no answer at all.
  const offline = error instanceof TypeError;
  const { title, next } = ADVICE[offline ? 'unavailable' : 'internal'];
  const detail = error instanceof Error ? error.message : String(error);
  return { title, detail, next, problems: [], offline, signedOut: false, gone: false };
}

/** `4:12 budget.usd`, as far as it is known. */
export function placeOf(problem: Problem): string {
  const position = problem.line === undefined ? '' : `${problem.line}:${problem.column ?? 1}`;
  return [position, problem.path].filter(Boolean).join(' ');
}
