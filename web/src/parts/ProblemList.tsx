import type { Problem } from '../../../shared/errors.js';
import { placeOf } from '../view/failure.js';

interface Props {
  problems: readonly Problem[];
  /** Makes a problem's place a button that goes to its line. */
  onGoTo?: ((line: number) => void) | undefined;
}

function Place({ problem, onGoTo }: { problem: Problem; onGoTo: Props['onGoTo'] }) {
  const { line } = problem;
  const place = placeOf(problem);
  if (place === '') return null;
  if (line === undefined || !onGoTo) return <code>{place}</code>;
  return (
    <button
      type="button"
      className="link"
      onClick={() => {
        onGoTo(line);
      }}
    >
      {place}
    </button>
  );
}

/** Everything that is wrong with an input: where, what, and the nearest valid name or what was expected. */
export function ProblemList({ problems, onGoTo }: Props) {
  return (
    <ul className="problems">
      {problems.map((problem) => (
        <li key={`${placeOf(problem)} ${problem.message}`}>
          <Place problem={problem} onGoTo={onGoTo} /> {problem.message}
          {problem.nearest ? (
            <>
              {' · did you mean '}
              <code>{problem.nearest}</code>?
            </>
          ) : (
            problem.expected && <span className="muted"> · expected {problem.expected}</span>
          )}
        </li>
      ))}
    </ul>
  );
}
