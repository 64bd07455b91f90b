import { useState } from 'react';
import type { ParkedView } from '../../../shared/contract/parked.js';
import { useControl } from '../control.js';
import { usePoll } from '../hooks/usePoll.js';
import { Until } from '../parts/ClockText.js';
import { FailureNotice } from '../parts/FailureNotice.js';
import { failureOf, type Failure } from '../view/failure.js';

const POLL_MS = 15_000;

/** What no function could work on, with a way to try it again. Shows nothing while nothing is put aside. */
export function ParkedTable() {
  const { client } = useControl();
  const { value, refresh } = usePoll('parked', (signal) => client.listParked({}, { signal }), POLL_MS);
  const [failure, setFailure] = useState<Failure>();
  const [busy, setBusy] = useState(false);
  const retry = async (id?: string): Promise<void> => {
    setBusy(true);
    setFailure(undefined);
    try {
      await client.retryParkedNow({ body: id === undefined ? {} : { id } });
    } catch (error) {
      setFailure(failureOf(error));
    }
    setBusy(false);
    refresh();
  };
  if (!value || value.total === 0) return null;
  return (
    <section aria-labelledby="parked">
      <h2 id="parked" className="section-title">
        Put aside ({value.total})
      </h2>
      <p className="muted">
        No function could work on these. They are tried again with longer and longer pauses; nothing is
        skipped, and the rest goes on.{' '}
        <button type="button" className="button" disabled={busy} onClick={() => void retry()}>
          Retry all
        </button>
      </p>
      {failure && <FailureNotice failure={failure} />}
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">Document</th>
            <th scope="col">Function</th>
            <th scope="col">Error</th>
            <th scope="col">Next try</th>
            <th scope="col">
              <span className="sr-only">Action</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {value.parked.map((one) => (
            <Row key={one.id} parked={one} busy={busy} onRetry={() => void retry(one.id)} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Row({ parked, busy, onRetry }: { parked: ParkedView; busy: boolean; onRetry: () => void }) {
  return (
    <tr>
      <th scope="row">
        <code>{parked.about}</code>
      </th>
      <td>{parked.by}</td>
      <td>{parked.error}</td>
      <td>
        {parked.retryAt === undefined ? 'by hand' : <Until at={parked.retryAt} past="soon" />}
        {parked.retries > 0 && <span className="muted"> · tried {parked.retries + 1} times</span>}
      </td>
      <td className="number">
        <button type="button" className="button" disabled={busy} onClick={onRetry}>
          Retry
        </button>
      </td>
    </tr>
  );
}
