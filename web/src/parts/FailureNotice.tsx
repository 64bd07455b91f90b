import { useControl } from '../control.js';
import { placeOf, type Failure } from '../view/failure.js';

/** What went wrong, every problem with its place, and the next step. */
export function FailureNotice({
  failure,
  onRetry,
}: {
  failure: Failure;
  onRetry?: (() => void) | undefined;
}) {
  const { session } = useControl();
  return (
    <div className="notice bad" role="alert">
      <strong>{failure.title}</strong>
      <p>{failure.detail}</p>
      {failure.problems.length > 0 && (
        <ul className="problems">
          {failure.problems.map((problem) => (
            <li key={`${placeOf(problem)} ${problem.message}`}>
              {placeOf(problem) && <code>{placeOf(problem)}</code>} {problem.message}
              {problem.expected && !problem.message.includes(problem.expected) && (
                <span className="muted"> · expected {problem.expected}</span>
              )}
              {problem.nearest && (
                <span>
                  {' '}
                  · did you mean <code>{problem.nearest}</code>?
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
      <p className="muted">{failure.next}</p>
      {failure.signedOut ? (
        <button type="button" className="button" onClick={() => void session.signIn()}>
          Sign in
        </button>
      ) : (
        onRetry && (
          <button type="button" className="button" onClick={onRetry}>
            Try again
          </button>
        )
      )}
    </div>
  );
}
