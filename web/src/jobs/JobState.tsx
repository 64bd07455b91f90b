import type { JobSummary } from '../../../shared/contract/api.js';
import { Elapsed, Until } from '../parts/ClockText.js';
import { FAILURE_TEXT } from '../../../shared/eventText.js';
import { asksFor, isCancelled, isEnded } from '../view/stages.js';

/** The few words that say what matters about a job now: what it asks for, why it failed, what it waits for. */
export function JobState({ job }: { job: JobSummary }) {
  const asked = asksFor(job);
  if (asked) return <span className="pill">{asked}</span>;
  if (isCancelled(job)) return null;
  if (job.failure && isEnded(job.stage))
    return <span className="bad-text">{FAILURE_TEXT[job.failure.reason]}</span>;
  if (job.landing)
    return <span className="progress-text">{job.holder ? 'merging' : 'waits to be merged'}</span>;
  if (job.notBefore && job.stage === 'queued')
    return (
      <span>
        retry <Until at={job.notBefore} past="any moment" />
      </span>
    );
  if (job.stage === 'queued')
    return (
      <span>
        waiting <Elapsed since={job.stageSince} />
      </span>
    );
  if (job.holder)
    return (
      <span className="progress-text">
        for <Elapsed since={job.stageSince} />
      </span>
    );
  return null;
}
