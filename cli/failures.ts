// An error as a person or a program reads it: what, where, and what to do about it.
import { AppError, type ErrorCode, type Problem } from '../shared/errors.js';
import { EXIT, exitCodeOf, type ExitCode } from './exitCodes.js';
import { clean, type Paint } from './text.js';

/** Characters. */
const MAX_EXPECTED_BESIDE_NEAREST = 60;

/** What to do, where the message alone does not say it. */
const CURES: Partial<Record<ErrorCode, string>> = {
  unauthenticated:
    'Sign in again: start the system for a new connection file, or set a fresh GIGAFACTORY_TOKEN.',
  forbidden: 'Ask an admin of the product for the role.',
  contended: 'Try again.',
  unavailable: 'Start the system with `npm start`, or try again in a moment.',
  internal: 'This is a defect: please report it with the id.',
};

/** A run ended, but not as hoped: the command did its work. */
export class JobFailed extends Error {}

export function failureExitCode(error: unknown): ExitCode {
  return error instanceof AppError ? exitCodeOf(error.code) : EXIT.failed;
}

/** The same error, knowing which file its problems are in. */
export function inFile(error: unknown, file: string): unknown {
  if (!(error instanceof AppError) || !error.detail.problems) return error;
  const name = file === '-' ? 'standard input' : file;
  return new AppError(error.code, error.message, { ...error.detail, file: name }, { cause: error });
}

export function describeFailure(error: unknown, paint: Paint): string {
  if (error instanceof JobFailed) return paint('red', clean(error.message));
  if (!(error instanceof AppError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return `${paint('red', 'aq met a defect of its own:')} ${text}`;
  }
  const { problems, legal, retryAfterSeconds, file } = error.detail;
  // A message that only repeats what is listed below would be read twice.
  const repeats = problems?.some(({ message }) => error.message.includes(message)) ?? false;
  const lines = [
    `${paint('red', 'Error:')} ${repeats ? 'what was sent is not valid.' : sentence(error.message)}`,
  ];
  if (problems)
    lines.push(
      ...problems.map((problem) => describeProblem(problem, paint, typeof file === 'string' ? file : '')),
    );
  if (legal) lines.push(legal.length > 0 ? `Possible now: ${legal.join(', ')}.` : 'Nothing is possible now.');
  if (retryAfterSeconds !== undefined) lines.push(`Try again in ${retryAfterSeconds} s.`);
  const cure = error.code === 'not-found' ? cureOfNotFound(error) : CURES[error.code];
  // Our own messages may hold the cure already; another one would only confuse.
  if (cure !== undefined && !/`npm start`|aq list/.test(error.message)) lines.push(paint('dim', cure));
  return lines.join('\n');
}

/** What is missing stands in the details. */
function cureOfNotFound({ detail: { jobId, productId, epoch } }: AppError): string | undefined {
  if (typeof jobId === 'string')
    return epoch === undefined
      ? '`aq list` shows the jobs that there are.'
      : `\`aq show ${clean(jobId)}\` tells its runs.`;
  if (typeof productId === 'string')
    return `Is it spelt right? An admin makes it with \`aq product put FILE -p ${clean(productId)}\`.`;
  return undefined;
}

/** A problem that knows which of several files it is in. */
export type FileProblem = Problem & { file?: string };

/** `job.md:2:1: engin: unknown field; did you mean "engine"?` – editors jump to it. */
export function describeProblem(problem: FileProblem, paint: Paint, file = ''): string {
  const { path, message, expected, nearest, line, column } = problem;
  const place = [problem.file ?? file, line, line === undefined ? undefined : (column ?? 1)].filter(
    (part) => part !== undefined && part !== '',
  );
  const where = place.length > 0 ? `${paint('cyan', place.join(':'))}: ` : '';
  const what = path === '' || message.startsWith(path) ? message : `${path}: ${message}`;
  const tellExpected =
    expected !== undefined &&
    !message.includes(expected) &&
    // With the right name at hand, a list of all names is noise.
    (nearest === undefined || expected.length <= MAX_EXPECTED_BESIDE_NEAREST);
  const hint = [
    ...(tellExpected ? [`expected ${expected}`] : []),
    ...(nearest === undefined || message.includes(`"${nearest}"`) ? [] : [`did you mean "${nearest}"?`]),
  ];
  return `  ${where}${clean([what, ...hint].join('; '))}`;
}

/** As one line of JSON, for programs. */
export function failureJson(error: unknown): object {
  if (error instanceof AppError)
    return { error: { code: error.code, message: error.message, ...error.detail } };
  const message = error instanceof Error ? error.message : String(error);
  return { error: { code: error instanceof JobFailed ? 'job-failed' : 'internal', message } };
}

function sentence(message: string): string {
  const text = clean(message);
  return /[.?!]$/.test(text) ? text : `${text}.`;
}
