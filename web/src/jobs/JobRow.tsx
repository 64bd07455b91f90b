import { memo } from 'react';
import type { JobSummary } from '../../../shared/contract/api.js';
import { Age } from '../parts/ClockText.js';
import { Link } from '../parts/Link.js';
import { StageTrack } from '../parts/StageTrack.js';
import { jobPath, navigate } from '../router.js';
import { formatCost } from '../view/usage.js';
import { JobState } from './JobState.js';

/** Renders again only when the job changed: mergeJobs keeps the object otherwise. */
export const JobRow = memo(function JobRow({ job }: { job: JobSummary }) {
  const to = jobPath(job.jobId);
  return (
    <tr
      onClick={(event) => {
        // Links and selected text keep their own behaviour.
        if (event.target instanceof Element && event.target.closest('a')) return;
        if (window.getSelection()?.isCollapsed === false) return;
        navigate(to);
      }}
    >
      <td className="cell-stage">
        <StageTrack job={job} />
      </td>
      <td className="cell-title">
        <a
          href={to}
          data-job-link
          onClick={(event) => {
            if (event.metaKey || event.ctrlKey || event.shiftKey) return;
            event.preventDefault();
            navigate(to);
          }}
        >
          {job.title}
        </a>
        <span className="sub">
          <code>{job.jobId}</code>
          {job.trackerItem && (
            <a href={job.trackerItem.url} target="_blank" rel="noreferrer">
              {job.trackerItem.repository}#{job.trackerItem.number}
            </a>
          )}
          <JobState job={job} />
          {job.sla?.breached && <span className="bad-text">late</span>}
        </span>
      </td>
      <td className="cell-product">
        <Link to={`/?product=${job.productId}`} tabIndex={-1}>
          {job.productId}
        </Link>
      </td>
      <td className="cell-engine">{job.engine ?? job.manifest['engine-class'] ?? '–'}</td>
      <td className="cell-factory">{job.holder ?? <span className="faint">–</span>}</td>
      <td className="cell-priority">
        <span className="priority" data-priority={job.manifest.priority}>
          {job.manifest.priority}
        </span>
      </td>
      <td className="cell-cost number">{formatCost(job.usage)}</td>
      <td className="cell-age number">
        <Age at={job.submittedAt} />
      </td>
    </tr>
  );
});
