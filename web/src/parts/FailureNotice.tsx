import { useControl } from '../control.js';
import type { Failure } from '../view/failure.js';
import { ProblemList } from './ProblemList.js';

interface Props {
  failure: Failure;
  onRetry?: (() => void) | undefined;
  /** Goes to a line of the text that was refused. */
  onGoTo?: (line: number) => void;
}

/** What went wrong, every problem with its place, and the next step. */
export function FailureNotice({ failure, onRetry, onGoTo }: Props) {
  const { session } = useControl();
  return (
    <div className="notice bad" role="alert">
      <strong>{failure.title}</strong>
      <p>{failure.detail}</p>
      {failure.problems.length > 0 && <ProblemList problems={failure.problems} onGoTo={onGoTo} />}
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
