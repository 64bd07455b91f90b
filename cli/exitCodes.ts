// What a script learns from an exit code. Documented in `aq --help`; they never change their meaning.
import { assertExhaustive, type ErrorCode } from '../shared/errors.js';

export const EXIT = {
  ok: 0,
  /** The job failed, or something is wrong with us. */
  failed: 1,
  /** The command line or the input is not right. */
  usage: 2,
  notFound: 3,
  /** Known and refused: the stage, a role or a limit forbids it. */
  refused: 4,
  /** Something that we depend on is away: trying again later makes sense. */
  unavailable: 5,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export function exitCodeOf(code: ErrorCode): ExitCode {
  switch (code) {
    case 'invalid-request':
    case 'invalid-manifest':
    case 'too-large':
      return EXIT.usage;
    case 'not-found':
      return EXIT.notFound;
    case 'unauthenticated':
    case 'forbidden':
    case 'bad-signature':
    case 'illegal-transition':
    case 'stale-epoch':
    case 'idempotency-conflict':
    case 'contended':
      return EXIT.refused;
    case 'unavailable':
      return EXIT.unavailable;
    case 'internal':
      return EXIT.failed;
    default:
      return assertExhaustive(code);
  }
}

export const EXIT_CODES_HELP = `Exit codes:
  0  done            1  the job failed, or a defect      2  wrong usage or input
  3  not found       4  refused: stage, role or limit    5  something is away: try again later`;
