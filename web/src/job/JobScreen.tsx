import { useEffect } from 'react';
import { FailureNotice } from '../parts/FailureNotice.js';
import { Link } from '../parts/Link.js';
import { JobView } from './JobView.js';
import { useJob } from './useJob.js';

/** One job, or why it cannot be shown. */
export function JobScreen({ jobId }: { jobId: string }) {
  const { value: detail, failure, refresh } = useJob(jobId);
  const title = detail?.job.title ?? jobId;
  useEffect(() => {
    document.title = `${title} · gigafactory`;
  }, [title]);
  return (
    <div className="page">
      <nav className="crumbs" aria-label="Breadcrumb">
        <Link to="/">Jobs</Link>
        {detail && <Link to={`/?product=${detail.job.productId}`}>{detail.job.productId}</Link>}
      </nav>
      {failure && !(failure.offline && detail) && <FailureNotice failure={failure} onRetry={refresh} />}
      {detail && <JobView detail={detail} onChanged={refresh} />}
      {!detail && !failure && <div className="skeleton" role="status" aria-label="Loading the job" />}
    </div>
  );
}
