import type { JobSummary } from '../../../shared/contract/api.js';
import { JobRow } from './JobRow.js';

/** The newest first, as the API gives them. */
export function JobTable({ jobs }: { jobs: readonly JobSummary[] }) {
  return (
    <table className="jobs">
      <caption className="sr-only">Jobs, the newest first</caption>
      <thead>
        <tr>
          <th scope="col">Stage</th>
          <th scope="col">Job</th>
          <th scope="col">Product</th>
          <th scope="col">Engine</th>
          <th scope="col">Factory</th>
          <th scope="col">Priority</th>
          <th scope="col" className="number">
            Cost
          </th>
          <th scope="col" className="number">
            Age
          </th>
        </tr>
      </thead>
      <tbody>
        {jobs.map((job) => (
          <JobRow key={job.jobId} job={job} />
        ))}
      </tbody>
    </table>
  );
}
