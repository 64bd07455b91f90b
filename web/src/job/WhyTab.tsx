import type { Explanation } from '../../../shared/contract/explanation.js';
import { changeLabel } from '../../../shared/contract/prospects.js';
import { FailureNotice } from '../parts/FailureNotice.js';
import { Link } from '../parts/Link.js';
import { jobPath } from '../router.js';
import { blocksText, poolText } from '../view/explain.js';
import { stageLabel } from '../view/stages.js';
import { Decision } from './Decision.js';
import { useExplanation } from './useJob.js';

function Factories({ explanation }: { explanation: Explanation }) {
  if (explanation.factories.length === 0)
    return (
      <p className="muted">
        {explanation.state === 'unroutable'
          ? 'None was considered: factories take work from pools, and no pool takes this job.'
          : 'None was considered: nobody is in its pool.'}
      </p>
    );
  return (
    <table className="plain">
      <thead>
        <tr>
          <th scope="col">Factory</th>
          <th scope="col">Could take it</th>
          <th scope="col" className="number">
            Free
          </th>
          <th scope="col" className="number">
            Score
          </th>
        </tr>
      </thead>
      <tbody>
        {explanation.factories.map((factory) => (
          <tr key={factory.factoryId}>
            <th scope="row">{factory.factoryId}</th>
            <td>
              {factory.blocks.length === 0 ? (
                <span className="good-text">yes</span>
              ) : (
                <span>no: {blocksText(factory.blocks)}</span>
              )}
            </td>
            <td className="number">{factory.freeStations}</td>
            <td className="number">{factory.score?.total.toFixed(2) ?? '–'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The other jobs that it waits for: where each is, and how far it must come. */
function Awaited({ waitsFor }: { waitsFor: NonNullable<Explanation['waitsFor']> }) {
  return (
    <>
      <h3 className="section-title">Waits for</h3>
      <table className="plain" aria-label="Waits for">
        <thead>
          <tr>
            <th scope="col">Job</th>
            <th scope="col">Stage</th>
            <th scope="col">Until it is</th>
          </tr>
        </thead>
        <tbody>
          {waitsFor.map(({ jobId, key, stage, until }) => (
            <tr key={jobId}>
              <th scope="row">
                <Link className="link" to={`${jobPath(jobId)}?tab=why`}>
                  {key ?? jobId}
                </Link>
              </th>
              <td>{stage ? stageLabel({ stage }) : 'not there'}</td>
              <td>{until}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** Why it runs where it runs, or why it waits, and the smallest change that would place it. */
export function WhyTab({ jobId }: { jobId: string }) {
  const { value: explanation, failure, refresh } = useExplanation(jobId);
  if (!explanation)
    return failure ? (
      <FailureNotice failure={failure} onRetry={refresh} />
    ) : (
      <div className="skeleton" role="status" aria-label="Loading the explanation" />
    );
  // Nobody is considered for a job that runs, has ended or waits for other jobs: an empty list says nothing then.
  const waits = ['waiting', 'unroutable'].includes(explanation.state);
  return (
    <div className="panel-body">
      <p className="lead">{explanation.summary}</p>
      {explanation.wouldPlace && (
        <div className="notice">
          <p>
            <strong>{changeLabel(explanation)}:</strong> {explanation.wouldPlace}
          </p>
        </div>
      )}
      {explanation.waitsFor && <Awaited waitsFor={explanation.waitsFor} />}
      <dl className="facts">
        {explanation.lane !== undefined && (
          <div>
            <dt>Lane</dt>
            <dd>
              <code>{explanation.lane}</code>
            </dd>
          </div>
        )}
        {explanation.pool && (
          <div>
            <dt>Pool</dt>
            <dd>
              {explanation.pool}
              {explanation.position !== undefined && (
                <span className="muted"> · place {explanation.position} among its ready jobs</span>
              )}
            </dd>
          </div>
        )}
      </dl>
      {(waits || explanation.factories.length > 0) && (
        <>
          <h3 className="section-title">Factories</h3>
          <Factories explanation={explanation} />
        </>
      )}
      {explanation.pools.length > 0 && <h3 className="section-title">Pools</h3>}
      <ul className="plain-list pools">
        {explanation.pools.map((pool) => (
          <li key={pool.pool} data-chosen={pool.pool === explanation.pool || undefined}>
            <strong>{pool.pool}</strong>{' '}
            {pool.missing.length === 0 ? (
              <span className="muted">{waits ? poolText(pool.pool, explanation) : 'suits'}</span>
            ) : (
              <span className="muted">
                does not guarantee <code>{pool.missing.join(', ')}</code>
              </span>
            )}
          </li>
        ))}
      </ul>
      {explanation.assignment && (
        <>
          <h3 className="section-title">Last decision</h3>
          <p>{explanation.assignment.why}</p>
          <Decision decision={explanation.assignment} />
        </>
      )}
    </div>
  );
}
