import { useState, type SubmitEvent } from 'react';
import type { Job } from '../../../shared/contract/job.js';
import { useControl } from '../control.js';
import { Dialog } from '../parts/Dialog.js';
import { FailureNotice } from '../parts/FailureNotice.js';
import { failureOf, type Failure } from '../view/failure.js';

const MAX_REASON_CHARS = 1000;

const WORDS = {
  cancel: {
    title: 'Cancel this job?',
    what: 'It stops where it is and is not tried again. It can be requeued later.',
    confirm: 'Cancel the job',
    back: 'Keep it',
  },
  requeue: {
    title: 'Run it once more?',
    what: 'It starts from the beginning on a fresh branch, with all its attempts.',
    confirm: 'Requeue',
    back: 'Leave it',
  },
} as const;

interface Props {
  job: Job;
  command: keyof typeof WORDS;
  onClose: () => void;
  onDone: () => void;
}

/** The reason goes into the job's events, for whoever asks later. */
export function ReasonDialog({ job, command, onClose, onDone }: Props) {
  const { client } = useControl();
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const words = WORDS[command];
  const send = async (): Promise<void> => {
    setBusy(true);
    setFailure(undefined);
    const call = { params: { jobId: job.jobId }, body: { reason: reason.trim() } };
    try {
      await (command === 'cancel' ? client.cancelJob(call) : client.requeueJob(call));
      onDone();
    } catch (error) {
      setFailure(failureOf(error));
      setBusy(false);
    }
  };
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    void send();
  };
  return (
    <Dialog title={words.title} onClose={onClose}>
      <form onSubmit={onSubmit}>
        <p className="muted">{words.what}</p>
        <label className="field stacked">
          <span>Why</span>
          <input
            required
            data-focus
            pattern=".*\S.*"
            title="A few words"
            maxLength={MAX_REASON_CHARS}
            value={reason}
            onChange={(event) => {
              setReason(event.target.value);
            }}
          />
        </label>
        {failure && <FailureNotice failure={failure} />}
        <div className="actions end">
          <button type="button" className="button" onClick={onClose}>
            {words.back}
          </button>
          <button
            type="submit"
            className={command === 'cancel' ? 'button danger' : 'button primary'}
            disabled={busy}
          >
            {words.confirm}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
