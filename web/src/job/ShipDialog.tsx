import type { JobView } from '../../../shared/contract/view.js';
import { useState } from 'react';
import { useControl } from '../control.js';
import { Dialog } from '../parts/Dialog.js';
import { FailureNotice } from '../parts/FailureNotice.js';
import { failureOf, type Failure } from '../view/failure.js';
import { formatDuration } from '../view/time.js';
import { ChangeSize } from './ChangeSize.js';

interface Props {
  job: JobView;
  onClose: () => void;
  onDone: () => void;
}

/** What is merged where, and on what evidence, before a person says ship. */
export function ShipDialog({ job, onClose, onDone }: Props) {
  const { client } = useControl();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const { change, verify } = job;
  const ship = async (): Promise<void> => {
    setBusy(true);
    setFailure(undefined);
    try {
      await client.shipJob({ params: { jobId: job.jobId } });
      onDone();
    } catch (error) {
      setFailure(failureOf(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title="Ship this change?" onClose={onClose}>
      <dl className="facts">
        {change && (
          <div>
            <dt>Merge</dt>
            <dd>
              <code>{change.branch}</code> into <code>{job.manifest['base-branch']}</code>
            </dd>
          </div>
        )}
        {change && (
          <div>
            <dt>Change</dt>
            <dd>
              <ChangeSize change={change} />
            </dd>
          </div>
        )}
        <div>
          <dt>Verify</dt>
          <dd>
            {verify ? (
              <>
                <span className={verify.passed ? 'good-text' : 'bad-text'}>
                  {verify.passed ? 'passed' : 'failed'}
                </span>{' '}
                in {formatDuration(verify.durationMs)} · <code>{verify.command}</code>
              </>
            ) : (
              <span className="warn-text">The job has no verify command: you are the gate.</span>
            )}
          </dd>
        </div>
      </dl>
      {failure && <FailureNotice failure={failure} />}
      <div className="actions end">
        <button type="button" className="button" onClick={onClose}>
          Not now
        </button>
        <button
          type="button"
          className="button primary"
          disabled={busy}
          data-focus
          onClick={() => void ship()}
        >
          {busy ? 'Asking for the merge…' : 'Ship it'}
        </button>
      </div>
    </Dialog>
  );
}
