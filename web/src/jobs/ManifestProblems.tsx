import { FailureNotice } from '../parts/FailureNotice.js';
import { placeOf, type Failure } from '../view/failure.js';

/** Every problem of a manifest; one with a line is a button that goes there. */
export function ManifestProblems({ failure, onGoTo }: { failure: Failure; onGoTo: (line: number) => void }) {
  if (!failure.problems.some((problem) => problem.line !== undefined))
    return <FailureNotice failure={failure} />;
  return (
    <div className="notice bad" role="alert">
      <strong>{failure.title}</strong>
      <ul className="problems">
        {failure.problems.map((problem) => {
          const { line } = problem;
          return (
            <li key={`${placeOf(problem)} ${problem.message}`}>
              {line === undefined ? (
                <code>{placeOf(problem)}</code>
              ) : (
                <button
                  type="button"
                  className="link"
                  onClick={() => {
                    onGoTo(line);
                  }}
                >
                  {placeOf(problem)}
                </button>
              )}{' '}
              {problem.message}
              {problem.nearest && !problem.message.includes(problem.nearest) && (
                <>
                  {' '}
                  · did you mean <code>{problem.nearest}</code>?
                </>
              )}
            </li>
          );
        })}
      </ul>
      <p className="muted">{failure.next}</p>
    </div>
  );
}
