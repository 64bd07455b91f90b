import type { JobDetail } from '../../../shared/contract/api.js';
import { setParam, useAddress } from '../router.js';
import { LogView } from './LogView.js';

/** The log of the newest run, or of the one that the address names. */
export function LogTab({ detail }: { detail: JobDetail }) {
  const { search } = useAddress();
  const runs = detail.runs.toSorted((a, b) => a.epoch - b.epoch);
  const chosen = Number(new URLSearchParams(search).get('run'));
  const run = runs.find((each) => each.epoch === chosen) ?? runs.at(-1);
  if (!run)
    return <p className="muted panel-body">No run yet: the log begins when a factory takes the job.</p>;
  const picker = runs.length > 1 && (
    <select
      aria-label="Run"
      value={run.epoch}
      onChange={(event) => {
        const newest = Number(event.target.value) === runs.at(-1)?.epoch;
        // Without a choice the page goes on to the next run by itself.
        setParam('run', newest ? undefined : event.target.value);
      }}
    >
      {runs.map((each) => (
        <option key={each.epoch} value={each.epoch}>
          #{each.epoch} {each.kind === 'land' ? 'merge' : 'build'} · {each.status}
        </option>
      ))}
    </select>
  );
  return <LogView key={run.epoch} jobId={detail.job.jobId} epoch={run.epoch} picker={picker} />;
}
