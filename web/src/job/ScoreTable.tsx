import type { Score } from '../../../shared/contract/explanation.js';
import { scoreRows } from '../view/explain.js';

/** The weighted parts of a score, with bars to compare them. */
export function ScoreTable({ score }: { score: Score }) {
  return (
    <table className="score">
      <tbody>
        {scoreRows(score).map((row) => (
          <tr key={row.label} title={row.meaning}>
            <th scope="row">{row.label}</th>
            <td className="bar" aria-hidden="true">
              <i data-negative={row.value < 0 || undefined} style={{ width: `${row.share * 100}%` }} />
            </td>
            <td className="number">{row.value.toFixed(2)}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">Score</th>
          <td />
          <td className="number">{score.total.toFixed(2)}</td>
        </tr>
      </tfoot>
    </table>
  );
}
