import type { JobDetail } from '../../../shared/contract/api.js';
import { FAILURE_TEXT } from '../../../shared/eventText.js';
import { landingOf } from '../view/landing.js';
import { isCancelled, isEnded } from '../view/stages.js';
import { Until } from '../parts/ClockText.js';
import { LandingProgress } from './LandingProgress.js';
import type { Tab } from './Tabs.js';
import { WaitingNotice } from './WaitingNotice.js';

interface Props {
  detail: JobDetail;
  /** The view below; what it says already is not said twice. */
  tab: Tab;
  onWhy: () => void;
}

/** What a person should know before anything else: a failure, a merge under way, or why it waits. */
export function JobNotices({ detail, tab, onWhy }: Props) {
  const { job, events } = detail;
  const landing = landingOf(events);
  if (landing && (job.landing || landing.refused || job.stage === 'shipped'))
    return <LandingProgress landing={landing} job={job} />;
  if (job.failure && isCancelled(job))
    return (
      <div className="notice">
        <strong>Cancelled</strong>
        <p>{job.failure.message}</p>
      </div>
    );
  if (job.failure && isEnded(job.stage))
    return (
      <div className="notice bad">
        <strong>
          {job.stage === 'dead_letter' ? 'Given up after' : 'Failed on'} attempt {Math.max(1, job.attempts)}:{' '}
          {FAILURE_TEXT[job.failure.reason]}
        </strong>
        <p className="failure-message">{job.failure.message}</p>
        <p className="muted">
          {detail.legal.includes('requeue')
            ? 'Look at the end of the log; requeue it when the cause is gone.'
            : 'Look at the end of the log.'}
        </p>
      </div>
    );
  if (job.stage === 'queued' && tab !== 'why')
    return (
      <WaitingNotice jobId={job.jobId} onWhy={onWhy}>
        {job.notBefore && (
          <>
            {job.failure && `${FAILURE_TEXT[job.failure.reason]}: `}tried again{' '}
            <Until at={job.notBefore} past="any moment" />.{' '}
          </>
        )}
      </WaitingNotice>
    );
  return null;
}
