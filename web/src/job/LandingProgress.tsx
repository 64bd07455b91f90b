import type { JobView } from '../../../shared/contract/view.js';
import { Elapsed } from '../parts/ClockText.js';
import { LANDING_STEPS, type Landing } from '../view/landing.js';

/** From "ship" to the merge, step by step; or why it was not merged. */
export function LandingProgress({ landing, job }: { landing: Landing; job: JobView }) {
  if (landing.refused)
    return (
      <div className="notice bad" role="alert">
        <strong>Not merged</strong>
        <p className="failure-message">{landing.refused}</p>
        <p className="muted">
          The job is back in review: requeue it to build on the new base, or ship it again.
        </p>
      </div>
    );
  const merged = job.stage === 'shipped';
  return (
    <div className={merged ? 'notice good' : 'notice'} role="status">
      <p>
        <strong>{merged ? `Merged into ${job.manifest['base-branch']}` : 'Landing'}</strong>
        {merged && job.mergeCommit ? (
          <>
            {' '}
            as <code>{job.mergeCommit.slice(0, 12)}</code>
          </>
        ) : (
          <>
            {' '}
            for <Elapsed since={landing.requestedAt} />
            {landing.factoryId && ` on ${landing.factoryId}`}
          </>
        )}
        , asked for by {landing.requestedBy}
      </p>
      {!merged && (
        <ol className="landing">
          {LANDING_STEPS.map((step, index) => (
            <li
              key={step}
              data-state={index <= landing.step ? 'done' : index === landing.step + 1 ? 'current' : 'todo'}
            >
              {step}
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}
