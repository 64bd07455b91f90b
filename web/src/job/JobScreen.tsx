import { useEffect } from 'react';
import { FailureNotice } from '../parts/FailureNotice.js';
import { Link } from '../parts/Link.js';
import { JobView } from './JobView.js';
import { useJob } from './useJob.js';

/** As ids are made; the API answers another one with what is wrong with its form, which helps nobody here. */
const JOB_ID = /^job-[0-9a-z]{16}$/;

function NoSuchJob({ jobId }: { jobId: string }) {
  return (
    <div className="notice" role="alert">
      <strong>There is no such job</strong>
      <p>
        <code>{jobId}</code> is no job of yours. <Link to="/">All jobs</Link>
      </p>
    </div>
  );
}

/** One job, or why it cannot be shown. */
export function JobScreen({ jobId }: { jobId: string }) {
  if (JOB_ID.test(jobId)) return <KnownJob jobId={jobId} />;
  return (
    <div className="page">
      <NoSuchJob jobId={jobId} />
    </div>
  );
}

function KnownJob({ jobId }: { jobId: string }) {
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
      {failure?.gone && <NoSuchJob jobId={jobId} />}
      {failure && !failure.gone && !(failure.offline && detail) && (
        <FailureNotice failure={failure} onRetry={refresh} />
      )}
      {detail && <JobView detail={detail} onChanged={refresh} />}
      {!detail && !failure && <div className="skeleton" role="status" aria-label="Loading the job" />}
    </div>
  );
}
