import type { JobView } from '../../../shared/contract/view.js';
import { useState, type SubmitEvent } from 'react';
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
  reject: {
    title: 'Turn this change down?',
    what: 'Nothing is merged. The reason is all that the next run learns.',
    confirm: 'Reject the change',
    back: 'Not now',
  },
  override: {
    title: 'Let this change leave its scope?',
    what: 'It changes files that its job may not change. With your word it can be shipped all the same.',
    confirm: 'Override the scope',
    back: 'Not now',
  },
  hold: {
    title: 'Put this job on hold?',
    what: 'It stays where it is: nobody claims it, nobody ships it, until it is resumed.',
    confirm: 'Hold',
    back: 'Not now',
  },
  pause: {
    title: 'Pause this job?',
    what: 'Its run is stopped and does not count as an attempt; it waits in the queue until it is resumed.',
    confirm: 'Pause',
    back: 'Let it run',
  },
} as const;

const ROUTES = {
  cancel: 'cancelJob',
  requeue: 'requeueJob',
  reject: 'rejectJob',
  override: 'overrideJob',
  hold: 'holdJob',
  pause: 'pauseJob',
} as const;

export type ReasonCommand = keyof typeof WORDS;

interface Props {
  job: JobView;
  command: ReasonCommand;
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
      await client[ROUTES[command]](call);
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
            className={command === 'cancel' || command === 'reject' ? 'button danger' : 'button primary'}
            disabled={busy}
          >
            {words.confirm}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
